use std::borrow::Cow;

use super::schema::Head;
use super::{Reader, SCHEMA};
use crate::Error;
use crate::array::lengths;
use crate::dtype::{DType, Element};
use crate::graph::{Id, Name, Node, StoredArray};
use crate::npy::Npy;
use crate::path::shown;

type Fields<'f> = [(Cow<'f, str>, Id)];

impl<'a> Reader<'a> {
    /// The object that a JSON object with these fields means: a node, or a dict if it says nothing
    /// of a loader.
    pub(super) fn object(&mut self, head: &Head<'_>, fields: &Fields<'_>) -> Result<Id, Error> {
        let Some(loader) = head.loader.as_deref() else { return self.dict(fields) };
        let id = self.node(loader, head, fields)?;
        if let Some(number) = head.id {
            self.builder.budget.insert(&mut self.cached, number, id)?;
        }
        Ok(id)
    }

    fn node(&mut self, loader: &str, head: &Head<'_>, fields: &Fields<'_>) -> Result<Id, Error> {
        let content = field(fields, "content");
        match loader {
            "JsonNode" => self.scalar(content),
            "ListNode" => match content.map(|list| self.builder.node(list)) {
                Some(Node::List(_)) => required(content),
                _ => Err(missing()),
            },
            "TupleNode" => {
                let items = self.list(content)?;
                self.builder.tuple(&items)
            }
            "SetNode" => {
                let items = self.list(content)?;
                self.builder.add(Node::Set(items))
            }
            "DictNode" => {
                let dict = required(content)?;
                self.restore_keys(dict, field(fields, "key_types"))?;
                Ok(dict)
            }
            "DefaultDictNode" => required(self.entry(content, "main")),
            "NdArrayNode" => match field(fields, "file") {
                Some(file) => self.array_file(file),
                None => self.array_of_objects(content, field(fields, "shape")),
            },
            "BytesNode" | "BytearrayNode" => {
                let name = self.file_name(required(field(fields, "file"))?)?;
                let bytes = self.file(name)?;
                let id = self.builder.bytes(&bytes);
                self.release(bytes);
                id
            }
            "SliceNode" => {
                let part = |name| required(self.entry(content, name));
                let parts = [part("start")?, part("stop")?, part("step")?];
                let arguments = self.builder.tuple(&parts)?;
                let class = self.builder.name(Name::new("builtins", "slice")?)?;
                self.builder.instance(class, arguments)
            }
            "TypeNode" | "FunctionNode" => self.name(head),
            "CachedNode" => {
                let id = head.id.and_then(|number| self.cached.get(&number));
                id.copied().ok_or_else(|| malformed("refers to an object that is not there"))
            }
            // What is left is an instance of a class, whatever skops would do to restore it.
            _ => {
                let class = self.name(head)?;
                let arguments = self.entry(field(fields, "__reduce__"), "args");
                let arguments = match arguments {
                    Some(id) if matches!(self.builder.node(id), Node::Tuple(_)) => id,
                    _ => self.builder.tuple(&[])?,
                };
                let id = self.builder.instance(class, arguments)?;
                let mut node = self.builder.take(id);
                if let Node::Instance(instance) = &mut node {
                    instance.state = content;
                }
                self.builder.replace(id, node);
                Ok(id)
            }
        }
    }

    fn name(&mut self, head: &Head<'_>) -> Result<Id, Error> {
        let name = head.module.as_deref().zip(head.class.as_deref());
        let (module, class) = name.ok_or_else(|| malformed("has a node without a class"))?;
        self.builder.name(Name::new(module, class)?)
    }

    /// The scalar that a text with JSON in it means, as Python writes it.
    fn scalar(&mut self, content: Option<Id>) -> Result<Id, Error> {
        let content = required(content)?;
        let Node::Text(text) = self.builder.take(content) else { return Err(missing()) };
        let node = match &*text {
            "null" => Node::None,
            "true" => Node::Boolean(true),
            "false" => Node::Boolean(false),
            "NaN" => Node::Float(f64::NAN),
            "Infinity" => Node::Float(f64::INFINITY),
            "-Infinity" => Node::Float(f64::NEG_INFINITY),
            quoted if quoted.starts_with('"') => {
                let text = serde_json::from_str::<String>(quoted);
                Node::Text(text.map_err(|_| missing())?.into())
            }
            digits => {
                let is_integer = digits.bytes().all(|byte| byte == b'-' || byte.is_ascii_digit());
                match digits.parse() {
                    Ok(integer) => Node::Integer(integer),
                    Err(_) if is_integer && digits.len() > 1 => Node::BigInteger,
                    Err(_) => Node::Float(digits.parse().map_err(|_| missing())?),
                }
            }
        };
        self.builder.replace(content, node);
        Ok(content)
    }

    fn dict(&mut self, fields: &Fields<'_>) -> Result<Id, Error> {
        let mut entries = Vec::new();
        self.builder.budget.reserve(&mut entries, fields.len())?;
        for (key, value) in fields {
            let key = self.builder.text(key)?;
            entries.push((key, *value));
        }
        self.builder.add(Node::Dict(entries))
    }

    /// Turns the keys of a dict, which are texts in JSON, into integers where they were.
    fn restore_keys(&mut self, dict: Id, key_types: Option<Id>) -> Result<(), Error> {
        let key_types = required(key_types)?;
        for position in 0.. {
            let (Node::Dict(entries), Node::List(types)) =
                (self.builder.node(dict), self.builder.node(key_types))
            else {
                return Err(missing());
            };
            let Some(((key, _), kind)) = entries.get(position).zip(types.get(position)) else {
                break;
            };
            let kind = self.builder.node(*kind).as_name();
            if kind.is_some_and(|kind| kind.is("builtins", "int") || kind.is("numpy", "int64")) {
                let key = *key;
                let digits = self.builder.node(key).as_text();
                let integer = digits.and_then(|digits| digits.parse().ok());
                self.builder.replace(key, Node::Integer(integer.ok_or_else(missing)?));
            }
        }
        Ok(())
    }

    fn array_file(&mut self, file: Id) -> Result<Id, Error> {
        let name = self.file_name(file)?;
        if let Some(id) = self.arrays.get(name) {
            return Ok(*id);
        }
        let content = self.file(name)?;
        let npy =
            Npy::parse(&content).map_err(|problem| Error::Entry { entry: shown(name), problem })?;
        let Npy { dtype, shape, fortran_order, data } = npy;
        let data = self.builder.bytes(data)?;
        self.release(content);
        let id = self.builder.array(StoredArray { dtype, shape, fortran_order, data })?;
        self.builder.budget.insert(&mut self.arrays, name, id)?;
        Ok(id)
    }

    fn array_of_objects(&mut self, content: Option<Id>, shape: Option<Id>) -> Result<Id, Error> {
        let data = required(content)?;
        let shape = lengths(self.builder.nodes(), required(shape)?).ok_or_else(missing)?;
        if shape.len() > 1 {
            return Err(Error::Unsupported { what: "an array of objects with dimensions" });
        }
        let dtype = DType { element: Element::Object, size: 8, big_endian: false };
        self.builder.array(StoredArray { dtype, shape, fortran_order: false, data })
    }

    fn file_name(&self, file: Id) -> Result<&'a str, Error> {
        self.archive.name(self.builder.node(file).as_text().ok_or_else(missing)?)
    }

    fn list(&mut self, content: Option<Id>) -> Result<Vec<Id>, Error> {
        match self.builder.take(required(content)?) {
            Node::List(items) => Ok(items),
            _ => Err(missing()),
        }
    }

    /// The value of a key of a dict that is a field of a node.
    fn entry(&self, dict: Option<Id>, key: &str) -> Option<Id> {
        let Node::Dict(entries) = self.builder.node(dict?) else { return None };
        let is_key = |id: Id| self.builder.node(id).as_text() == Some(key);
        entries.iter().find(|(name, _)| is_key(*name)).map(|(_, value)| *value)
    }
}

fn field(fields: &Fields<'_>, name: &str) -> Option<Id> {
    fields.iter().find(|(key, _)| key == name).map(|(_, value)| *value)
}

fn required(id: Option<Id>) -> Result<Id, Error> {
    id.ok_or_else(missing)
}

fn missing() -> Error {
    malformed("has a node without what its loader needs")
}

fn malformed(problem: &'static str) -> Error {
    Error::Entry { entry: SCHEMA.to_owned(), problem }
}

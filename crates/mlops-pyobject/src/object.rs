use std::fmt;

use crate::array::Array;
use crate::graph::{Graph, Id, Instance, Name, Node};
use crate::path::{Path, Segment, shown};
use crate::{Error, Limit};

/// An object of a graph, and the way that led to it.
///
/// Objects are read by asking for what should be there: a class by name, attributes, items,
/// numbers. What is not there is an [`Error`] that names the way, as in
/// `` `steps[1].estimators_[3].tree_` is a list, expected .. ``.
///
/// # Examples
/// ```
/// use mlops_pyobject::{Error, Limits, read};
///
/// // pickle.dumps({"threshold": 5, "columns": ["alcohol", "pH"]}, protocol=2)
/// let file = b"\x80\x02}(X\x09\0\0\0thresholdK\x05X\x07\0\0\0columns](X\x07\0\0\0alcohol\
///     X\x02\0\0\0pHeu.";
/// let graph = read(file, &Limits::default())?;
/// assert_eq!(graph.root().entry("threshold")?.float()?, 5.0);
/// let columns = graph.root().entry("columns")?;
/// assert_eq!(columns.item(1)?.text()?, "pH");
/// let error = columns.item(0)?.float().unwrap_err();
/// assert_eq!(error.to_string(), "`root['columns'][0]` is a text, expected a number");
/// # Ok::<(), Error>(())
/// ```
#[derive(Clone)]
pub struct Object<'g> {
    graph: &'g Graph,
    id: Id,
    path: Path<'g>,
}

/// What an [`Object`] is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Kind {
    /// Python's `None`.
    None,
    /// `True` or `False`.
    Boolean,
    /// An integer of any size.
    Integer,
    /// A floating-point number.
    Float,
    /// A `str`.
    Text,
    /// A `bytes` object.
    Bytes,
    /// A `list`.
    List,
    /// A `tuple`.
    Tuple,
    /// A `set` or `frozenset`.
    Set,
    /// A `dict`.
    Dict,
    /// A class or function itself, which is a name here.
    Name,
    /// A numpy array; a numpy scalar is an array without dimensions.
    Array,
    /// An instance of any other class, or what a function would return.
    Instance,
}

/// A Python `slice` of positions; parts that are `None` are so here.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[expect(clippy::exhaustive_structs, reason = "a slice has three parts in Python")]
pub struct Slice<T> {
    /// Where it begins.
    pub start: Option<T>,
    /// Where it ends.
    pub stop: Option<T>,
    /// The step from one position to the next.
    pub step: Option<i64>,
}

impl<'g> Object<'g> {
    pub(crate) fn root(graph: &'g Graph, id: Id) -> Self {
        Self { graph, id, path: Path::default() }
    }

    /// What the object is.
    pub fn kind(&self) -> Kind {
        match self.node() {
            Node::None => Kind::None,
            Node::Boolean(_) => Kind::Boolean,
            Node::Integer(_) | Node::BigInteger => Kind::Integer,
            Node::Float(_) => Kind::Float,
            Node::Text(_) => Kind::Text,
            Node::Bytes(_) => Kind::Bytes,
            Node::List(_) => Kind::List,
            Node::Tuple(_) => Kind::Tuple,
            Node::Set(_) => Kind::Set,
            Node::Dict(_) => Kind::Dict,
            Node::Name(_) => Kind::Name,
            Node::Array(_) => Kind::Array,
            Node::Instance(_) => self.kind_of_instance(),
        }
    }

    /// The way to the object as Python would write it, such as `steps[1].mean_`.
    pub fn path(&self) -> String {
        self.path.to_string()
    }

    /// Whether the object is `None`.
    pub fn is_none(&self) -> bool {
        matches!(self.node(), Node::None)
    }

    /// The name, if the object is a class or function itself.
    pub fn name(&self) -> Option<&'g Name> {
        self.node().as_name()
    }

    /// The class of an instance, or the function that would make the object; `None` for what is no
    /// instance, and where the file computes what to call.
    pub fn class(&self) -> Option<&'g Name> {
        let Node::Instance(instance) = self.node() else { return None };
        self.graph.node(instance.class).as_name()
    }

    /// Whether the object is an instance of `class`, somewhere in `package`; see [`Name::is`].
    pub fn is_instance(&self, package: &str, class: &str) -> bool {
        self.class().is_some_and(|name| name.is(package, class))
    }

    /// The object again, if it is an instance of `class`, somewhere in `package`.
    ///
    /// # Errors
    /// * [`Error::Unexpected`] with the name of its class if it is not
    pub fn expect_instance(&self, package: &str, class: &str) -> Result<&Self, Error> {
        if self.is_instance(package, class) {
            return Ok(self);
        }
        Err(self.unexpected(format!("an instance of `{class}` in `{package}`")))
    }

    /// An attribute of an instance.
    ///
    /// # Errors
    /// * [`Error::MissingAttribute`] if it has no such attribute
    /// * [`Error::LimitExceeded`] if the way to it is too long
    pub fn attribute(&self, name: &str) -> Result<Self, Error> {
        self.find_attribute(name)?.ok_or_else(|| Error::MissingAttribute {
            path: self.path(),
            attribute: name.to_owned(),
        })
    }

    /// An attribute of an instance, if it has one of that name.
    ///
    /// # Errors
    /// * [`Error::LimitExceeded`] if the way to it is too long
    pub fn find_attribute(&self, name: &str) -> Result<Option<Self>, Error> {
        let Some(dicts) = self.instance().map(|instance| self.attribute_dicts(instance)) else {
            return Ok(None);
        };
        // Searching takes time and no memory.
        self.graph.charge_copy(dicts.iter().map(|dict| dict.len()).sum())?;
        let found = dicts.iter().rev().find_map(|dict| self.find(dict, name));
        found.map(|(name, id)| self.child(id, Segment::Attribute(name))).transpose()
    }

    /// An argument that the class or function would be called with, counted from 0.
    ///
    /// # Errors
    /// * [`Error::Unexpected`] if the object is no instance
    /// * [`Error::MissingItem`] if there are not that many arguments
    /// * [`Error::LimitExceeded`] if the way to it is too long
    pub fn argument(&self, index: usize) -> Result<Self, Error> {
        let arguments = self.arguments().ok_or_else(|| self.unexpected("an instance"))?;
        let id = arguments.get(index).ok_or_else(|| Error::MissingItem {
            path: format!("{}.arguments", self.path),
            index,
            length: arguments.len(),
        })?;
        self.child(*id, Segment::Argument(index))
    }

    /// An item of a sequence, counted from 0.
    ///
    /// # Errors
    /// * [`Error::Unexpected`] if the object is no sequence
    /// * [`Error::MissingItem`] if it is too short
    /// * [`Error::LimitExceeded`] if the way to the item is too long
    pub fn item(&self, index: usize) -> Result<Self, Error> {
        let items = self.item_ids()?;
        let id = items.get(index).ok_or_else(|| Error::MissingItem {
            path: self.path(),
            index,
            length: items.len(),
        })?;
        self.child(*id, Segment::Item(index))
    }

    /// The items of a list, tuple or set, or of an instance of a class like them, in the order of
    /// the file.
    ///
    /// # Errors
    /// * [`Error::Unexpected`] if the object is none of these
    /// * [`Error::LimitExceeded`] if the way to the items is too long, or too much was copied
    pub fn items(&self) -> Result<Vec<Self>, Error> {
        let items = self.item_ids()?;
        self.charge_objects(items.len())?;
        let items = items.iter().enumerate();
        items.map(|(index, id)| self.child(*id, Segment::Item(index))).collect()
    }

    /// The value of a key of a dict whose keys are texts.
    ///
    /// # Errors
    /// * [`Error::Unexpected`] if the object is no dict
    /// * [`Error::MissingKey`] if it has no such key
    /// * [`Error::LimitExceeded`] if the way to the value is too long
    pub fn entry(&self, key: &str) -> Result<Self, Error> {
        let (key, id) = self
            .find(self.entry_ids()?, key)
            .ok_or_else(|| Error::MissingKey { path: self.path(), key: key.to_owned() })?;
        self.child(id, Segment::TextKey(key))
    }

    /// The keys and values of a dict, or of an instance of a class like it, in the order of the
    /// file.
    ///
    /// # Errors
    /// * [`Error::Unexpected`] if the object is neither
    /// * [`Error::LimitExceeded`] if the way to the values is too long, or too much was copied
    pub fn entries(&self) -> Result<Vec<(Self, Self)>, Error> {
        let entries = self.entry_ids()?;
        self.charge_objects(2 * entries.len())?;
        let entries = entries.iter().enumerate();
        let entry = |(index, (key, value)): (usize, &(Id, Id))| {
            let segment = match self.graph.node(*key) {
                Node::Text(key) => Segment::TextKey(key),
                Node::Integer(key) => Segment::IntegerKey(*key),
                _ => Segment::Item(index),
            };
            Ok((self.child(*key, segment)?, self.child(*value, segment)?))
        };
        entries.map(entry).collect()
    }

    /// A boolean.
    ///
    /// # Errors
    /// * [`Error::Unexpected`] if the object is none, and no numpy scalar of one
    pub fn boolean(&self) -> Result<bool, Error> {
        if let Node::Boolean(boolean) = self.node() {
            return Ok(*boolean);
        }
        self.scalar("a boolean", Array::booleans)
    }

    /// An integer of 64 bits.
    ///
    /// # Errors
    /// * [`Error::Unexpected`] if the object is none, and no numpy scalar of one
    /// * [`Error::Invalid`] if it needs more bits
    pub fn integer(&self) -> Result<i64, Error> {
        match self.node() {
            Node::Integer(integer) => Ok(*integer),
            Node::BigInteger => Err(self.invalid("is beyond 64 bits")),
            _ => self.scalar("an integer", Array::integers),
        }
    }

    /// An integer that counts something.
    ///
    /// # Errors
    /// As [`integer`](Self::integer), and [`Error::Invalid`] if it is negative.
    pub fn count(&self) -> Result<usize, Error> {
        usize::try_from(self.integer()?).map_err(|_| self.invalid("is negative"))
    }

    /// A number; an integer counts as one if 64-bit floating point holds it exactly.
    ///
    /// # Errors
    /// * [`Error::Unexpected`] if the object is none, and no numpy scalar of one
    /// * [`Error::Invalid`] if it is an integer beyond 53 bits
    pub fn float(&self) -> Result<f64, Error> {
        match self.node() {
            Node::Float(float) => Ok(*float),
            Node::Integer(integer) => {
                exact(*integer).ok_or_else(|| self.invalid("is beyond 53 bits"))
            }
            Node::BigInteger => Err(self.invalid("is beyond 53 bits")),
            _ => self.scalar("a number", Array::floats),
        }
    }

    /// A text.
    ///
    /// # Errors
    /// * [`Error::Unexpected`] if the object is none
    pub fn text(&self) -> Result<&'g str, Error> {
        self.node().as_text().ok_or_else(|| self.unexpected("a text"))
    }

    /// The content of a bytes object or bytearray.
    ///
    /// # Errors
    /// * [`Error::Unexpected`] if the object is neither
    pub fn bytes(&self) -> Result<&'g [u8], Error> {
        bytes(self.graph.nodes(), self.id).ok_or_else(|| self.unexpected("bytes"))
    }

    /// A slice of positions.
    ///
    /// # Errors
    /// * [`Error::Unexpected`] if the object is no slice or not one of integers
    pub fn slice(&self) -> Result<Slice<i64>, Error> {
        self.slice_of(Object::integer)
    }

    /// A slice between names.
    ///
    /// # Errors
    /// * [`Error::Unexpected`] if the object is no slice or not one of texts
    pub fn slice_of_names(&self) -> Result<Slice<&'g str>, Error> {
        self.slice_of(Object::text)
    }

    /// Whether the object is a slice.
    pub fn is_slice(&self) -> bool {
        self.is_instance("builtins", "slice")
    }

    /// A numpy array or scalar.
    ///
    /// # Errors
    /// * [`Error::Unexpected`] if the object is neither
    /// * [`Error::Invalid`] if its parts do not belong together
    pub fn array(&self) -> Result<Array<'g>, Error> {
        Array::new(self)
    }

    /// An error that says what was expected instead of this object; what it is is said by name.
    pub fn unexpected(&self, expected: impl Into<String>) -> Error {
        Error::Unexpected { path: self.path(), expected: expected.into(), got: self.description() }
    }

    /// An error that says what is wrong with this object, such as "is negative".
    pub fn invalid(&self, problem: &'static str) -> Error {
        Error::Invalid { path: self.path(), problem }
    }

    pub(crate) fn graph(&self) -> &'g Graph {
        self.graph
    }

    pub(crate) fn node(&self) -> &'g Node {
        self.graph.node(self.id)
    }

    /// Counts that many objects, with their ways, which are about to be made from this one.
    pub(crate) fn charge_objects(&self, n_objects: usize) -> Result<(), Error> {
        let size = size_of::<Self>() + (self.path.len() + 1) * size_of::<Segment<'_>>();
        self.graph.charge_copy(n_objects.saturating_mul(size))
    }

    pub(crate) fn child(&self, id: Id, segment: Segment<'g>) -> Result<Self, Error> {
        let maximum = self.graph.max_depth();
        if self.path.len() >= maximum {
            return Err(Error::LimitExceeded { limit: Limit::Depth, maximum });
        }
        Ok(Self { graph: self.graph, id, path: self.path.then(segment) })
    }

    fn instance(&self) -> Option<&'g Instance> {
        if let Node::Instance(instance) = self.node() { Some(instance) } else { None }
    }

    pub(crate) fn arguments(&self) -> Option<&'g [Id]> {
        match self.graph.node(self.instance()?.arguments) {
            Node::Tuple(arguments) => Some(arguments),
            _ => None,
        }
    }

    /// The state of an instance, if the file gives it one that is a tuple.
    pub(crate) fn state_tuple(&self) -> Option<&'g [Id]> {
        match self.graph.node(self.instance()?.state?) {
            Node::Tuple(state) => Some(state),
            _ => None,
        }
    }

    fn kind_of_instance(&self) -> Kind {
        let Some(class) = self.class() else { return Kind::Instance };
        let is_any = |package, names: &[&str]| names.iter().any(|name| class.is(package, name));
        if is_any("numpy", &["_reconstruct", "_frombuffer", "scalar"]) {
            Kind::Array
        } else if is_any("builtins", &["set", "frozenset"]) {
            Kind::Set
        } else if is_any("builtins", &["bytearray"]) {
            Kind::Bytes
        } else {
            Kind::Instance
        }
    }

    /// The state of an instance is the dict of its attributes, or that and the dict of its slots.
    fn attribute_dicts(&self, instance: &Instance) -> [&'g [(Id, Id)]; 2] {
        let Some(state) = instance.state else { return [&[], &[]] };
        let dict = |id: Id| match self.graph.node(id) {
            Node::Dict(entries) => &**entries,
            _ => &[],
        };
        match self.graph.node(state) {
            Node::Tuple(parts) if parts.len() == 2 => [dict(parts[0]), dict(parts[1])],
            _ => [dict(state), &[]],
        }
    }

    /// The last entry with a key counts, as in Python.
    fn find(&self, entries: &'g [(Id, Id)], key: &str) -> Option<(&'g str, Id)> {
        let text = |id: Id| self.graph.node(id).as_text().filter(|text| *text == key);
        entries.iter().rev().find_map(|(key, value)| text(*key).map(|key| (key, *value)))
    }

    fn item_ids(&self) -> Result<&'g [Id], Error> {
        let ids = match self.node() {
            Node::List(items) | Node::Set(items) => Some(&**items),
            Node::Tuple(items) => Some(&**items),
            Node::Instance(instance) if !instance.items.is_empty() => Some(&*instance.items),
            Node::Instance(_) => self.item_ids_of_call(),
            _ => None,
        };
        ids.ok_or_else(|| self.unexpected("a sequence"))
    }

    /// The items of a call such as `set([..])`.
    fn item_ids_of_call(&self) -> Option<&'g [Id]> {
        let is_sequence = ["set", "frozenset", "list", "tuple"]
            .iter()
            .any(|class| self.is_instance("builtins", class))
            || self.is_instance("collections", "deque");
        match self.arguments().filter(|_| is_sequence)? {
            [] => Some(&[]),
            [items, ..] => match self.graph.node(*items) {
                Node::List(items) | Node::Set(items) => Some(items),
                Node::Tuple(items) => Some(items),
                _ => None,
            },
        }
    }

    fn entry_ids(&self) -> Result<&'g [(Id, Id)], Error> {
        match self.node() {
            Node::Dict(entries) => Ok(entries),
            Node::Instance(instance) if !instance.entries.is_empty() => Ok(&instance.entries),
            Node::Instance(_)
                if self.is_instance("collections", "OrderedDict")
                    || self.is_instance("collections", "defaultdict") =>
            {
                Ok(&[])
            }
            _ => Err(self.unexpected("a dict")),
        }
    }

    fn scalar<T>(
        &self,
        expected: &str,
        values: impl Fn(&Array<'g>) -> Result<Vec<T>, Error>,
    ) -> Result<T, Error> {
        if self.kind() != Kind::Array {
            return Err(self.unexpected(expected));
        }
        let array = self.array()?;
        if !array.shape().is_empty() {
            return Err(self.unexpected(expected));
        }
        values(&array)?.pop().ok_or_else(|| self.unexpected(expected))
    }

    fn slice_of<T>(&self, convert: impl Fn(&Self) -> Result<T, Error>) -> Result<Slice<T>, Error> {
        if !self.is_slice() {
            return Err(self.unexpected("a slice"));
        }
        let part = |index| {
            let part = self.argument(index)?;
            Ok(if part.is_none() { None } else { Some(part) })
        };
        let end = |index| part(index)?.as_ref().map(&convert).transpose();
        let step = part(2)?.as_ref().map(Self::integer).transpose()?;
        Ok(Slice { start: end(0)?, stop: end(1)?, step })
    }

    /// What the object is, in words.
    fn description(&self) -> String {
        match self.node() {
            Node::None => "`None`".to_owned(),
            Node::Name(name) => format!("the class or function `{}`", shown(&name.to_string())),
            Node::Instance(_) => match self.class() {
                Some(_) if self.kind() == Kind::Array => "an array".to_owned(),
                Some(class) => format!("an instance of `{}`", shown(&class.to_string())),
                None => "the result of a computed call".to_owned(),
            },
            _ => match self.kind() {
                Kind::Boolean => "a boolean",
                Kind::Integer => "an integer",
                Kind::Float => "a float",
                Kind::Text => "a text",
                Kind::Bytes => "bytes",
                Kind::List => "a list",
                Kind::Tuple => "a tuple",
                Kind::Set => "a set",
                Kind::Array => "an array",
                _ => "a dict",
            }
            .to_owned(),
        }
    }
}

impl fmt::Debug for Object<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Object")
            .field("path", &self.path())
            .field("what", &self.description())
            .finish()
    }
}

/// `integer` in 64-bit floating point, if it is there exactly.
pub(crate) fn exact(integer: i64) -> Option<f64> {
    (integer.unsigned_abs() <= 1 << f64::MANTISSA_DIGITS).then_some(integer as f64)
}

/// The content of a bytes object or bytearray.
pub(crate) fn bytes(nodes: &[Node], id: Id) -> Option<&[u8]> {
    match &nodes[id.position()] {
        Node::Bytes(bytes) => Some(bytes),
        Node::Instance(instance) => {
            let class = nodes[instance.class.position()].as_name();
            class.filter(|class| class.is("builtins", "bytearray"))?;
            let Node::Tuple(arguments) = &nodes[instance.arguments.position()] else {
                return None;
            };
            match arguments.first().map(|content| &nodes[content.position()]) {
                None => Some(&[]),
                Some(Node::Bytes(bytes)) => Some(bytes),
                Some(_) => None,
            }
        }
        _ => None,
    }
}

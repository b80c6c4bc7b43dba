mod kind;
mod values;

use std::fmt;

use crate::graph::{Graph, Id, Instance, Name, Node};
use crate::path::{Path, Segment};
use crate::{Error, Limit};

pub use kind::Kind;
pub use values::Slice;
pub(crate) use values::{bytes, exact};

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

impl<'g> Object<'g> {
    pub(crate) fn root(graph: &'g Graph, id: Id) -> Self {
        Self { graph, id, path: Path::default() }
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
}

impl fmt::Debug for Object<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Object")
            .field("path", &self.path())
            .field("what", &self.description())
            .finish()
    }
}

use super::Object;
use crate::graph::Node;
use crate::path::shown;

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

impl Object<'_> {
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

    /// What the object is, in words.
    pub(super) fn description(&self) -> String {
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

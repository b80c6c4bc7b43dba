use std::collections::HashMap;
use std::mem;

use crate::budget::Budget;
use crate::graph::{Graph, Id, Instance, Name, Node, StoredArray};
use crate::{Error, Limit, Limits};

/// Collects the objects of a file, within its limits.
#[derive(Debug)]
pub(crate) struct Builder {
    nodes: Vec<Node>,
    names: HashMap<Name, Id>,
    opcodes: usize,
    pub(crate) budget: Budget,
    pub(crate) limits: Limits,
}

impl Builder {
    pub(crate) fn new(file_bytes: usize, limits: &Limits) -> Result<Self, Error> {
        limits.check(Limit::FileBytes, file_bytes)?;
        let mut builder = Self {
            nodes: Vec::new(),
            names: HashMap::new(),
            opcodes: 0,
            budget: Budget::new(file_bytes, limits),
            limits: *limits,
        };
        // These are one object each, however often they stand in a file.
        for boolean in [false, true] {
            builder.add(Node::Boolean(boolean))?;
        }
        builder.add(Node::None)?;
        for integer in 0..=u8::MAX {
            builder.add(Node::Integer(integer.into()))?;
        }
        Ok(builder)
    }

    pub(crate) fn finish(self, root: Id) -> Graph {
        Graph::new(self.nodes, root, &self.limits, self.budget.used())
    }

    /// Counts one opcode of a pickle or value of a schema.
    pub(crate) fn count(&mut self) -> Result<(), Error> {
        self.opcodes += 1;
        self.limits.check(Limit::Opcodes, self.opcodes)
    }

    pub(crate) fn node(&self, id: Id) -> &Node {
        &self.nodes[id.position()]
    }

    pub(crate) fn nodes(&self) -> &[Node] {
        &self.nodes
    }

    pub(crate) fn replace(&mut self, id: Id, node: Node) {
        self.nodes[id.position()] = node;
    }

    /// Takes the node at `id` out for a while.
    pub(crate) fn take(&mut self, id: Id) -> Node {
        mem::replace(&mut self.nodes[id.position()], Node::None)
    }

    pub(crate) fn none() -> Id {
        Id::first(2)
    }

    pub(crate) fn boolean(boolean: bool) -> Id {
        Id::first(u8::from(boolean).into())
    }

    pub(crate) fn integer(&mut self, integer: i64) -> Result<Id, Error> {
        match u8::try_from(integer) {
            Ok(small) => Ok(Id::first(3 + u16::from(small))),
            Err(_) => self.add(Node::Integer(integer)),
        }
    }

    /// An integer of any size: two's complement, little-endian.
    pub(crate) fn long(&mut self, bytes: &[u8]) -> Result<Id, Error> {
        if bytes.len() > size_of::<i64>() {
            return self.add(Node::BigInteger);
        }
        let negative = bytes.last().is_some_and(|byte| byte & 0x80 != 0);
        let mut extended = [if negative { 0xFF } else { 0 }; size_of::<i64>()];
        extended[..bytes.len()].copy_from_slice(bytes);
        self.integer(i64::from_le_bytes(extended))
    }

    pub(crate) fn float(&mut self, float: f64) -> Result<Id, Error> {
        self.add(Node::Float(float))
    }

    pub(crate) fn text(&mut self, text: &str) -> Result<Id, Error> {
        self.limits.check(Limit::TextBytes, text.len())?;
        self.budget.charge(text.len())?;
        self.add(Node::Text(text.into()))
    }

    pub(crate) fn bytes(&mut self, bytes: &[u8]) -> Result<Id, Error> {
        self.limits.check(Limit::ArrayBytes, bytes.len())?;
        let bytes = self.budget.boxed(bytes)?;
        self.add(Node::Bytes(bytes))
    }

    /// A string of Python 2, which had one type for texts and bytes.
    pub(crate) fn byte_string(&mut self, string: &[u8]) -> Result<Id, Error> {
        match str::from_utf8(string) {
            Ok(text) => self.text(text),
            Err(_) => self.bytes(string),
        }
    }

    /// The bytes for which the characters of the text at `id` stand, or the object itself if it is
    /// no such text.
    pub(crate) fn latin1(&mut self, id: Id) -> Result<Id, Error> {
        let Some(text) = self.nodes[id.position()].as_text() else { return Ok(id) };
        let mut bytes = Vec::new();
        self.budget.reserve(&mut bytes, text.len())?;
        for character in text.chars() {
            let Ok(byte) = u8::try_from(u32::from(character)) else { return Ok(id) };
            bytes.push(byte);
        }
        self.limits.check(Limit::ArrayBytes, bytes.len())?;
        self.add(Node::Bytes(bytes.into()))
    }

    pub(crate) fn tuple(&mut self, items: &[Id]) -> Result<Id, Error> {
        let items = self.budget.boxed(items)?;
        self.add(Node::Tuple(items))
    }

    /// A tuple of the items of another one but the first.
    pub(crate) fn tuple_behind_first(&mut self, tuple: Id) -> Result<Id, Error> {
        let node = self.take(tuple);
        let rest = match &node {
            Node::Tuple(items) => self.budget.boxed(items.get(1..).unwrap_or_default()),
            _ => Ok(Box::default()),
        };
        self.replace(tuple, node);
        self.add(Node::Tuple(rest?))
    }

    /// The name of a class or function; the same name is the same object.
    pub(crate) fn name(&mut self, name: Name) -> Result<Id, Error> {
        if let Some(id) = self.names.get(&name) {
            return Ok(*id);
        }
        // Once as a key and once as a node.
        let texts = name.module().len() + name.qualified_name().len();
        self.budget.charge(2 * texts + size_of::<Name>())?;
        let id = self.add(Node::Name(Box::new(name.clone())))?;
        self.budget.insert(&mut self.names, name, id)?;
        Ok(id)
    }

    pub(crate) fn instance(&mut self, class: Id, arguments: Id) -> Result<Id, Error> {
        self.budget.charge(size_of::<Instance>())?;
        let (items, entries) = (Vec::new(), Vec::new());
        self.add(Node::Instance(Box::new(Instance {
            class,
            arguments,
            state: None,
            items,
            entries,
        })))
    }

    pub(crate) fn array(&mut self, array: StoredArray) -> Result<Id, Error> {
        self.budget.charge(size_of::<StoredArray>() + array.dtype.heap_bytes())?;
        self.budget.charge(size_of_val(&*array.shape))?;
        self.add(Node::Array(Box::new(array)))
    }

    pub(crate) fn add(&mut self, node: Node) -> Result<Id, Error> {
        let id = Id::at(self.nodes.len());
        let maximum = u32::MAX as usize;
        let id = id.ok_or(Error::LimitExceeded { limit: Limit::Opcodes, maximum })?;
        self.budget.push(&mut self.nodes, node)?;
        Ok(id)
    }
}

use super::{Machine, opcode};
use crate::Error;
use crate::graph::{Id, Name, Node};

impl Machine<'_> {
    /// The opcodes that would import or call something.
    pub(super) fn object(&mut self, opcode: u8) -> Result<(), Error> {
        match opcode {
            opcode::GLOBAL => {
                let (module, name) = (self.input.text_line()?, self.input.text_line()?);
                let id = self.builder.name(Name::new(module, name)?)?;
                self.push(id)
            }
            opcode::STACK_GLOBAL => {
                let (name, module) = (self.pop()?, self.pop()?);
                self.push_name(module, name)
            }
            opcode::REDUCE => {
                let (arguments, function) = (self.pop()?, self.pop()?);
                let id = self.call(function, arguments)?;
                self.push(id)
            }
            opcode::NEWOBJ => {
                let (arguments, class) = (self.pop()?, self.pop()?);
                self.push_instance(class, arguments)
            }
            opcode::NEWOBJ_EX => {
                // Keyword arguments restore nothing that a reader asks for.
                let (_keywords, arguments, class) = (self.pop()?, self.pop()?, self.pop()?);
                self.push_instance(class, arguments)
            }
            opcode::INST => {
                let (module, name) = (self.input.text_line()?, self.input.text_line()?);
                let class = self.builder.name(Name::new(module, name)?)?;
                let start = self.pop_mark()?;
                self.push_tuple(start)?;
                let arguments = self.pop()?;
                self.push_instance(class, arguments)
            }
            opcode::OBJ => {
                let start = self.pop_mark()?;
                let class = self.frame.stack.get(start).copied();
                let class = class.ok_or_else(|| self.input.error("an object without a class"))?;
                self.push_tuple(start + 1)?;
                let arguments = self.pop()?;
                self.frame.stack.truncate(start);
                self.push_instance(class, arguments)
            }
            opcode::BUILD => {
                let state = self.pop()?;
                let object = self.top()?;
                self.restore(object, state)
            }
            _ => Err(self.input.error("an unknown opcode")),
        }
    }

    /// Appends all that is on the stack from `start` to the object below.
    pub(super) fn append_items(&mut self, start: usize) -> Result<(), Error> {
        let object = self.below(start)?;
        let mut node = self.builder.take(object);
        let items = match &mut node {
            Node::List(items) | Node::Set(items) => items,
            Node::Instance(instance) => &mut instance.items,
            _ => return Err(self.input.error("items for an object that has none")),
        };
        self.builder.budget.extend(items, &self.frame.stack[start..])?;
        self.builder.replace(object, node);
        self.frame.stack.truncate(start);
        Ok(())
    }

    /// Sets the keys and values that are on the stack from `start` in the object below.
    pub(super) fn set_items_below(&mut self, start: usize) -> Result<(), Error> {
        let object = self.below(start)?;
        self.set_entries(object, start)
    }

    pub(super) fn set_entries(&mut self, object: Id, start: usize) -> Result<(), Error> {
        let mut node = self.builder.take(object);
        let entries = match &mut node {
            Node::Dict(entries) => entries,
            Node::Instance(instance) => &mut instance.entries,
            _ => return Err(self.input.error("keys for an object that has none")),
        };
        let (pairs, rest) = self.frame.stack[start..].as_chunks::<2>();
        if !rest.is_empty() {
            return Err(self.input.error("a key without a value"));
        }
        self.builder.budget.reserve(entries, pairs.len())?;
        entries.extend(pairs.iter().map(|[key, value]| (*key, *value)));
        self.builder.replace(object, node);
        self.frame.stack.truncate(start);
        Ok(())
    }

    fn below(&self, start: usize) -> Result<Id, Error> {
        let bottom = self.frame.marks.last().copied().unwrap_or(0);
        let below = start.checked_sub(1).filter(|below| *below >= bottom);
        let below = below.ok_or_else(|| self.input.error("items without an object"))?;
        Ok(self.frame.stack[below])
    }

    fn push_name(&mut self, module: Id, name: Id) -> Result<(), Error> {
        let text = |id: Id| self.builder.node(id).as_text();
        let name = text(module).zip(text(name)).map(|(module, name)| Name::new(module, name));
        let name = name.ok_or_else(|| self.input.error("a module or name that is no text"))?;
        let id = self.builder.name(name?)?;
        self.push(id)
    }

    fn push_instance(&mut self, class: Id, arguments: Id) -> Result<(), Error> {
        if !matches!(self.builder.node(arguments), Node::Tuple(_)) {
            return Err(self.input.error("arguments that are no tuple"));
        }
        let id = self.builder.instance(class, arguments)?;
        self.push(id)
    }

    /// What the call of a function would return. Only the functions with which pickle itself
    /// writes bytes and instances of old protocols are understood.
    fn call(&mut self, function: Id, arguments: Id) -> Result<Id, Error> {
        let Node::Tuple(items) = self.builder.node(arguments) else {
            return Err(self.input.error("arguments that are no tuple"));
        };
        let Node::Name(name) = self.builder.node(function) else {
            return self.builder.instance(function, arguments);
        };
        if name.is("_codecs", "encode")
            && let [text, encoding] = **items
            && let Some("latin1" | "latin-1") = self.builder.node(encoding).as_text()
        {
            return self.builder.latin1(text);
        }
        if name.is("builtins", "bytes") && items.is_empty() {
            return self.builder.bytes(&[]);
        }
        if name.is("copyreg", "_reconstructor")
            && let Some(class) = items.first().copied()
        {
            return self.builder.instance(class, arguments);
        }
        if name.is("copyreg", "__newobj__")
            && let Some(class) = items.first().copied()
        {
            let arguments = self.builder.tuple_behind_first(arguments)?;
            return self.builder.instance(class, arguments);
        }
        self.builder.instance(function, arguments)
    }

    fn restore(&mut self, object: Id, state: Id) -> Result<(), Error> {
        let mut node = self.builder.take(object);
        let Node::Instance(instance) = &mut node else {
            return Err(self.input.error("a state for an object that has none"));
        };
        if instance.state.replace(state).is_some() {
            return Err(self.input.error("a second state for an object"));
        }
        let class = instance.class;
        self.builder.replace(object, node);
        match self.builder.node(class).as_name() {
            Some(name) if name.is("joblib", "NumpyArrayWrapper") => self.joblib_array(state),
            _ => Ok(()),
        }
    }
}

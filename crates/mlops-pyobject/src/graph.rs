use std::fmt;
use std::num::NonZeroU32;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::dtype::DType;
use crate::object::Object;
use crate::{Error, Limit, Limits};

/// The objects of a file and how they refer to each other.
///
/// They stand in one flat list, so a graph is dropped without recursion however deeply its objects
/// are nested, and objects that contain themselves do no harm.
pub struct Graph {
    // Invariant: the ids in the nodes and the root are positions in `nodes`.
    nodes: Vec<Node>,
    root: Id,
    max_depth: usize,
    /// What may be copied out of the graph, in bytes, and what has been.
    max_copied: usize,
    copied: AtomicUsize,
}

impl Graph {
    /// Takes nodes whose ids are positions in them, and that take `memory_bytes`.
    pub(crate) fn new(nodes: Vec<Node>, root: Id, limits: &Limits, memory_bytes: usize) -> Self {
        let proportional = memory_bytes.saturating_mul(COPIES).saturating_add(FREE_COPIES);
        Self {
            nodes,
            root,
            max_depth: limits.maximum(Limit::Depth),
            max_copied: proportional.min(limits.maximum(Limit::CopiedBytes)),
            copied: AtomicUsize::new(0),
        }
    }

    /// The object that was saved.
    pub fn root(&self) -> Object<'_> {
        Object::root(self, self.root)
    }

    /// Counts bytes that are about to be copied out of the graph, or steps that are about to be
    /// made in it.
    ///
    /// A file can refer to one array over and over; a reader that copies it each time would take any
    /// amount of memory and time.
    pub(crate) fn charge_copy(&self, bytes: usize) -> Result<(), Error> {
        let before = self.copied.fetch_add(bytes, Ordering::Relaxed);
        let maximum = self.max_copied;
        if before.saturating_add(bytes) <= maximum {
            return Ok(());
        }
        // What was not copied does not count.
        self.copied.fetch_sub(bytes, Ordering::Relaxed);
        Err(Error::LimitExceeded { limit: Limit::CopiedBytes, maximum })
    }

    pub(crate) fn node(&self, id: Id) -> &Node {
        &self.nodes[id.position()]
    }

    pub(crate) fn nodes(&self) -> &[Node] {
        &self.nodes
    }

    pub(crate) fn max_depth(&self) -> usize {
        self.max_depth
    }
}

impl fmt::Debug for Graph {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Graph")
            .field("root", &self.root())
            .field("n_objects", &self.nodes.len())
            .finish_non_exhaustive()
    }
}

/// The position of an object in its graph, from 1 so that an optional one takes four bytes.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Id(NonZeroU32);

impl Id {
    /// The id of the node at `position`, if there can be that many.
    pub(crate) fn at(position: usize) -> Option<Self> {
        let number = u32::try_from(position).ok()?.checked_add(1)?;
        NonZeroU32::new(number).map(Self)
    }

    /// The id of one of the nodes that every graph starts with.
    pub(crate) fn first(position: u16) -> Self {
        Self(NonZeroU32::MIN.saturating_add(position.into()))
    }

    pub(crate) fn position(self) -> usize {
        // u32 fits usize wherever this runs.
        self.0.get() as usize - 1
    }
}

/// One object.
#[derive(Debug)]
pub(crate) enum Node {
    None,
    Boolean(bool),
    Integer(i64),
    /// An integer beyond 64 bits; no reader needs its value.
    BigInteger,
    Float(f64),
    Text(Box<str>),
    Bytes(Box<[u8]>),
    List(Vec<Id>),
    Tuple(Box<[Id]>),
    Set(Vec<Id>),
    Dict(Vec<(Id, Id)>),
    Name(Box<Name>),
    Instance(Box<Instance>),
    Array(Box<StoredArray>),
}

/// The name of a class or function: all that is kept of it.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub struct Name {
    module: Box<str>,
    qualified_name: Box<str>,
}

impl Name {
    pub(crate) fn new(module: &str, qualified_name: &str) -> Result<Self, Error> {
        if module.len().max(qualified_name.len()) > LONGEST_NAME {
            let limit = Limit::TextBytes;
            return Err(Error::LimitExceeded { limit, maximum: LONGEST_NAME });
        }
        // Protocols below 3 write the module names of Python 2.
        let module = match module {
            "__builtin__" => "builtins",
            "copy_reg" => "copyreg",
            _ => module,
        };
        Ok(Self { module: module.into(), qualified_name: qualified_name.into() })
    }

    /// The module, such as `sklearn.preprocessing._data`.
    pub fn module(&self) -> &str {
        &self.module
    }

    /// The name within the module, such as `StandardScaler`.
    pub fn qualified_name(&self) -> &str {
        &self.qualified_name
    }

    /// Whether this is `name` of `package` or of a module inside it.
    ///
    /// Libraries move classes between their private modules from version to version; the package
    /// stays.
    ///
    /// # Examples
    /// ```
    /// use mlops_pyobject::{Limits, read};
    ///
    /// let graph = read(b"csklearn.preprocessing._data\nStandardScaler\n.", &Limits::default())?;
    /// let name = graph.root().name().unwrap();
    /// assert!(name.is("sklearn.preprocessing", "StandardScaler"));
    /// assert!(!name.is("sklearn.pre", "StandardScaler"));
    /// # Ok::<(), mlops_pyobject::Error>(())
    /// ```
    pub fn is(&self, package: &str, name: &str) -> bool {
        let inside = self.module.strip_prefix(package);
        inside.is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
            && &*self.qualified_name == name
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.module, self.qualified_name)
    }
}

/// What would be an instance of a class, or the result of a function, if anything were called.
#[derive(Debug)]
pub(crate) struct Instance {
    /// A name, or another object that the file wants to be called.
    pub(crate) class: Id,
    /// A tuple.
    pub(crate) arguments: Id,
    /// What the file hands to the object to restore itself: a dict of attributes, as a rule.
    pub(crate) state: Option<Id>,
    /// What the file appends to the object.
    pub(crate) items: Vec<Id>,
    /// What the file sets as keys and values of the object.
    pub(crate) entries: Vec<(Id, Id)>,
}

/// An array that the file holds as such and not as a call.
#[derive(Debug)]
pub(crate) struct StoredArray {
    pub(crate) dtype: DType,
    pub(crate) shape: Box<[usize]>,
    pub(crate) fortran_order: bool,
    /// Bytes, or the list of an array of objects.
    pub(crate) data: Id,
}

/// Names are hashed or copied whenever they stand in a file, so that a long one, referred to over
/// and over, would cost more than its size.
pub(crate) const LONGEST_NAME: usize = 512;
/// How often everything may be copied out, and what may be copied out of the smallest graph.
const COPIES: usize = 16;
const FREE_COPIES: usize = 64 << 20;

use std::fs::{File, Metadata};
use std::io::{self, Read, Stdin};
use std::path::Path;

use crate::cli::ScoreArgs;
use crate::error::Error;
use crate::score::STANDARD;

/// How rows are written.
#[derive(Clone, Copy, Debug, Eq, PartialEq, clap::ValueEnum)]
pub(crate) enum Format {
    /// A line with the names of the columns, and a line for each row.
    Csv,
    /// A JSON object in each line.
    Jsonl,
    /// A Parquet file.
    Parquet,
}

impl Format {
    /// The format that the arguments name, by themselves or by the ending of a file's name.
    fn of(args: &ScoreArgs) -> Result<Self, Error> {
        let named = || match (Self::of_path(&args.input), Self::of_path(&args.output)) {
            (Some(input), Some(output)) if input != output => None,
            (input, output) => input.or(output),
        };
        args.format.or_else(named).ok_or(Error::Format)
    }

    fn of_path(path: &Path) -> Option<Self> {
        match path.extension()?.to_str()?.to_ascii_lowercase().as_str() {
            "csv" => Some(Self::Csv),
            "jsonl" | "ndjson" => Some(Self::Jsonl),
            "parquet" => Some(Self::Parquet),
            _ => None,
        }
    }
}

/// The rows to score.
#[derive(Debug)]
pub(super) enum Input {
    Csv(Text),
    JsonLines(Text),
    #[cfg(feature = "parquet")]
    Parquet(File),
}

impl Input {
    /// Opens what the arguments name.
    pub(super) fn open(args: &ScoreArgs) -> Result<Self, Error> {
        Ok(match Format::of(args)? {
            Format::Csv => Self::Csv(Text::open(&args.input)?),
            Format::Jsonl => Self::JsonLines(Text::open(&args.input)?),
            #[cfg(feature = "parquet")]
            Format::Parquet => match Text::open(&args.input)? {
                Text::File(file) => Self::Parquet(file),
                Text::Stdin(_) => return Err(Error::ParquetStdin),
            },
            #[cfg(not(feature = "parquet"))]
            Format::Parquet => return Err(Error::WithoutParquet),
        })
    }

    /// The length in bytes, if it is known.
    pub(super) fn n_bytes(&self) -> Option<u64> {
        let file = match self {
            Self::Csv(Text::File(file)) | Self::JsonLines(Text::File(file)) => file,
            #[cfg(feature = "parquet")]
            Self::Parquet(file) => file,
            Self::Csv(Text::Stdin(_)) | Self::JsonLines(Text::Stdin(_)) => return None,
        };
        file.metadata().ok().filter(Metadata::is_file).map(|file| file.len())
    }
}

/// Where a text comes from.
#[derive(Debug)]
pub(super) enum Text {
    Stdin(Stdin),
    File(File),
}

impl Text {
    fn open(path: &Path) -> Result<Self, Error> {
        if path == Path::new(STANDARD) {
            return Ok(Self::Stdin(io::stdin()));
        }
        let open = || {
            let file = File::open(path)?;
            // A folder can be opened, and fails in another way for each format.
            if file.metadata()?.is_dir() {
                return Err(io::ErrorKind::IsADirectory.into());
            }
            Ok(Self::File(file))
        };
        open().map_err(Error::io(path))
    }
}

impl Read for Text {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Stdin(stdin) => stdin.read(buffer),
            Self::File(file) => file.read(buffer),
        }
    }
}

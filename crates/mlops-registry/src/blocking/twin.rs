/// The method that waits for the asynchronous one of the same name and arguments.
macro_rules! twin {
    ($name:ident($($argument:ident: $type:ty),*) -> Pages<$item:ty>) => {
        #[doc = concat!(
            "Does what [`", stringify!($name), "`](crate::client::MlflowClient::", stringify!($name),
            ") of the asynchronous client does; the results come one by one."
        )]
        pub fn $name(&self, $($argument: $type),*) -> Pages<$item> {
            Pages::new(self.twin.$name($($argument),*), &self.worker)
        }
    };
    ($name:ident($($argument:ident: $type:ty),*) -> ArtifactRepository) => {
        #[doc = concat!(
            "Does what [`", stringify!($name), "`](crate::client::MlflowClient::", stringify!($name),
            ") of the asynchronous client does.\n\n# Errors\nThose of [`",
            stringify!($name), "`](crate::client::MlflowClient::", stringify!($name), ")."
        )]
        pub fn $name(&self, $($argument: $type),*) -> Result<ArtifactRepository, Error> {
            Ok(ArtifactRepository::new(self.twin.$name($($argument),*)?, &self.worker))
        }
    };
    ($name:ident($($argument:ident: $type:ty),*) -> $output:ty) => {
        twin!($name($($argument: $type),*) -> $output, "MlflowClient");
    };
    ($name:ident($($argument:ident: $type:ty),*) -> $output:ty, $of:literal) => {
        #[doc = concat!(
            "Does what [`", stringify!($name), "`](crate::client::", $of, "::", stringify!($name),
            ") of the asynchronous client does, and waits for it.\n\n# Errors\nThose of [`",
            stringify!($name), "`](crate::client::", $of, "::", stringify!($name), ")."
        )]
        pub fn $name(&self, $($argument: $type),*) -> Result<$output, Error> {
            self.worker.wait(self.twin.$name($($argument),*))
        }
    };
}

pub(super) use twin;

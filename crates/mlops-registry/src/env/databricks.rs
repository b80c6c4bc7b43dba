use std::path::PathBuf;

use super::ini::{Ini, Section};
use super::values::{Variables, setting};
use crate::client::{Auth, Entra, MlflowClient, MlflowClientBuilder, SettingError};
use crate::{Error, ErrorKind};

const CONFIG_FILE: &str = "DATABRICKS_CONFIG_FILE";
const CONFIG_PROFILE: &str = "DATABRICKS_CONFIG_PROFILE";
const DEFAULT_PROFILE: &str = "DEFAULT";
const AZURE_RESOURCE: &str = "x-databricks-azure-workspace-resource-id";

/// Says where a workspace is and who asks: the key in a profile, and the variable that has the same meaning.
type Key = (&'static str, &'static str);

const HOST: Key = ("host", "DATABRICKS_HOST");
const AUTH_TYPE: Key = ("auth_type", "DATABRICKS_AUTH_TYPE");
const TOKEN: Key = ("token", "DATABRICKS_TOKEN");
const USERNAME: Key = ("username", "DATABRICKS_USERNAME");
const PASSWORD: Key = ("password", "DATABRICKS_PASSWORD");
const CLIENT_ID: Key = ("client_id", "DATABRICKS_CLIENT_ID");
const CLIENT_SECRET: Key = ("client_secret", "DATABRICKS_CLIENT_SECRET");
const AZURE_TENANT_ID: Key = ("azure_tenant_id", "ARM_TENANT_ID");
const AZURE_CLIENT_ID: Key = ("azure_client_id", "ARM_CLIENT_ID");
const AZURE_CLIENT_SECRET: Key = ("azure_client_secret", "ARM_CLIENT_SECRET");
const AZURE_RESOURCE_ID: Key = ("azure_workspace_resource_id", "DATABRICKS_AZURE_RESOURCE_ID");
const WORKSPACE_ID: Key = ("workspace_id", "DATABRICKS_WORKSPACE_ID");

/// Where all settings come from: they are not mixed, so that no secret goes to the host of another.
enum Source<'a> {
    Environment(Variables<'a>),
    Profile { name: String, file: PathBuf, section: Section },
}

/// A client of a workspace, by a profile of the configuration file or by the environment.
pub(super) fn builder(
    profile: Option<&str>,
    variables: Variables<'_>,
) -> Result<MlflowClientBuilder, Error> {
    let source = Source::new(profile, variables)?;
    let host = source.needed(HOST)?;
    let host = if host.contains("://") { host } else { format!("https://{host}") };
    let mut builder = MlflowClient::builder(&host).auth(source.auth()?);
    if let Some(id) = source.value(WORKSPACE_ID) {
        builder = builder.databricks_workspace(&id);
    }
    if let Some(id) = source.value(AZURE_RESOURCE_ID) {
        builder = builder.header(AZURE_RESOURCE, &id);
    }
    Ok(builder)
}

impl<'a> Source<'a> {
    fn new(profile: Option<&str>, variables: Variables<'a>) -> Result<Self, Error> {
        if profile.is_none() && variables.text(HOST.1).is_some() {
            return Ok(Self::Environment(variables));
        }
        let named = profile.map(str::to_owned).or_else(|| variables.text(CONFIG_PROFILE));
        let name = named.unwrap_or_else(|| DEFAULT_PROFILE.to_owned());
        let file = match variables.text(CONFIG_FILE) {
            Some(path) => match path.strip_prefix("~/") {
                Some(below) => variables.home(below)?,
                None => PathBuf::from(path),
            },
            None => variables.home(".databrickscfg")?,
        };
        let ini = Ini::read(&file)?;
        let Some(section) = ini.section(&name).cloned() else {
            let section = SettingError::Section { section: name };
            return Err(Error::setting(file.display(), section));
        };
        Ok(Self::Profile { name, file, section })
    }

    fn value(&self, (key, variable): Key) -> Option<String> {
        match self {
            Self::Environment(variables) => variables.text(variable),
            Self::Profile { section, .. } => {
                section.get(key).filter(|value| !value.is_empty()).cloned()
            }
        }
    }

    fn needed(&self, key: Key) -> Result<String, Error> {
        self.value(key).ok_or_else(|| match self {
            Self::Environment(_) => setting(key.1, SettingError::Missing),
            Self::Profile { name, file, .. } => {
                let key = key.0;
                let target = format_args!("`{key}` of the profile `{name}` of {}", file.display());
                Error::setting(target, SettingError::Missing)
            }
        })
    }

    fn auth(&self) -> Result<Auth, Error> {
        let is_there = |key| self.value(key).is_some();
        let found = || {
            let ways = [
                (TOKEN, "pat"),
                (USERNAME, "basic"),
                (CLIENT_ID, "oauth-m2m"),
                (AZURE_CLIENT_ID, "azure-client-secret"),
            ];
            let way = ways.into_iter().find(|(key, _)| is_there(*key));
            way.map_or("pat", |(_, way)| way).to_owned()
        };
        let way = self.value(AUTH_TYPE).unwrap_or_else(found);
        Ok(match way.as_str() {
            "pat" => Auth::Token(self.needed(TOKEN)?),
            "basic" => {
                Auth::Basic { username: self.needed(USERNAME)?, password: self.needed(PASSWORD)? }
            }
            "oauth-m2m" => Auth::ServicePrincipal {
                client_id: self.needed(CLIENT_ID)?,
                client_secret: self.needed(CLIENT_SECRET)?,
            },
            "azure-client-secret" => Auth::Entra(Entra::new(
                self.needed(AZURE_TENANT_ID)?,
                self.needed(AZURE_CLIENT_ID)?,
                self.needed(AZURE_CLIENT_SECRET)?,
            )),
            _ => {
                let way = format_args!("`{way}`");
                return Err(Error::new(ErrorKind::Unsupported, "log in by", way));
            }
        })
    }
}

//! What object storage is reached by.

use std::path::PathBuf;

use super::ini::Ini;
use super::values::Variables;
use crate::Error;

type Options = Vec<(String, String)>;

/// Variables that are options of the same name.
const S3: [&str; 11] = [
    KEYS[0],
    KEYS[1],
    KEYS[2],
    REGION,
    "AWS_ENDPOINT_URL_STS",
    "AWS_ROLE_ARN",
    WEB_IDENTITY,
    "AWS_ROLE_SESSION_NAME",
    "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
    "AWS_CONTAINER_CREDENTIALS_FULL_URI",
    "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE",
];
const ACCESS_KEY: &str = KEYS[0];
const KEYS: [&str; 3] = ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"];
const REGION: &str = "AWS_REGION";
const DEFAULT_REGION: &str = "AWS_DEFAULT_REGION";
const WEB_IDENTITY: &str = "AWS_WEB_IDENTITY_TOKEN_FILE";
const PROFILE: &str = "AWS_PROFILE";
/// Where S3 is, the first that is set.
const ENDPOINTS: [&str; 3] = ["MLFLOW_S3_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL"];

/// Variables that are options of the same name.
const AZURE: [&str; 8] = [
    "AZURE_STORAGE_ACCOUNT_NAME",
    "AZURE_STORAGE_ACCESS_KEY",
    "AZURE_STORAGE_SAS_TOKEN",
    "AZURE_TENANT_ID",
    "AZURE_CLIENT_ID",
    "AZURE_CLIENT_SECRET",
    "AZURE_FEDERATED_TOKEN_FILE",
    "AZURE_AUTHORITY_HOST",
];
const CONNECTION: &str = "AZURE_STORAGE_CONNECTION_STRING";

/// The options of object storage, by the names that the client's builder takes.
///
/// # Errors
/// * [`Io`](crate::ErrorKind::Io) if a file of AWS cannot be read
/// * [`Setting`](crate::ErrorKind::Setting) if it is malformed
pub(super) fn options(variables: Variables<'_>) -> Result<Options, Error> {
    let mut options = Vec::new();
    if cfg!(feature = "s3") {
        options.extend(s3(variables)?);
    }
    if cfg!(feature = "azure") {
        options.extend(match variables.text(CONNECTION) {
            // What is wrong is told when a container is opened.
            Some(text) => connection(&text).unwrap_or_else(|| vec![(CONNECTION.to_owned(), text)]),
            None => named(&AZURE, variables),
        });
    }
    Ok(options)
}

fn named(names: &[&str], variables: Variables<'_>) -> Options {
    let set = |name: &&str| Some(((*name).to_owned(), variables.text(name)?));
    names.iter().filter_map(set).collect()
}

fn option(name: &str, value: impl Into<String>) -> (String, String) {
    (name.to_owned(), value.into())
}

fn s3(variables: Variables<'_>) -> Result<Options, Error> {
    let is_set = |name| variables.text(name).is_some();
    let profile = if is_set(ACCESS_KEY) {
        Vec::new()
    } else {
        keys_of_profile(variables, is_set(WEB_IDENTITY))?
    };
    let mut options = named(&S3, variables);
    // Keys are of one place.
    options.retain(|(name, _)| profile.is_empty() || !KEYS.contains(&name.as_str()));
    options.extend(profile);
    if !is_set(REGION) {
        let region = match variables.text(DEFAULT_REGION) {
            Some(region) => Some(region),
            None => region_of_profile(variables)?,
        };
        options.extend(region.map(|region| option(REGION, region)));
    }
    if let Some(endpoint) = ENDPOINTS.into_iter().find_map(|name| variables.text(name)) {
        if endpoint.starts_with("http:") {
            options.push(option("aws_allow_http", "true"));
        }
        options.push(option("aws_endpoint", endpoint));
    }
    if variables.flag("MLFLOW_S3_IGNORE_TLS")? {
        options.push(option("aws_allow_invalid_certificates", "true"));
    }
    Ok(options)
}

/// A file of AWS; without a home directory there is none.
fn file(variables: Variables<'_>, variable: &str, path: &str) -> Result<Ini, Error> {
    let named = variables.text(variable).map(PathBuf::from);
    match named.or_else(|| variables.home(path).ok()) {
        Some(path) => Ini::read(&path),
        None => Ok(Ini::default()),
    }
}

/// The keys of the profile, if it has some; an identity that is set comes before those of `default`.
fn keys_of_profile(variables: Variables<'_>, has_identity: bool) -> Result<Options, Error> {
    let profile = variables.text(PROFILE);
    if profile.is_none() && has_identity {
        return Ok(Vec::new());
    }
    let file = file(variables, "AWS_SHARED_CREDENTIALS_FILE", ".aws/credentials")?;
    let section = file.section(profile.as_deref().unwrap_or("default"));
    let key = |name: &&str| Some(option(name, section?.get(&name.to_lowercase())?));
    Ok(KEYS.iter().filter_map(key).collect())
}

fn region_of_profile(variables: Variables<'_>) -> Result<Option<String>, Error> {
    let file = file(variables, "AWS_CONFIG_FILE", ".aws/config")?;
    let section = match variables.text(PROFILE) {
        Some(profile) => file.section(&format!("profile {profile}")),
        None => file.section("default"),
    };
    Ok(section.and_then(|section| section.get("region")).cloned())
}

/// `AccountName=..;AccountKey=..;BlobEndpoint=..` and the like; `None` if it is nothing of that kind.
fn connection(text: &str) -> Option<Options> {
    let (mut options, mut name, mut suffix, mut endpoint) = (Vec::new(), None, None, None);
    for part in text.split(';').map(str::trim).filter(|part| !part.is_empty()) {
        let (key, value) = part.split_once('=')?;
        match key.to_ascii_lowercase().as_str() {
            "accountname" => name = Some(value),
            "accountkey" => options.push(option("azure_storage_account_key", value)),
            "sharedaccesssignature" => options.push(option("azure_storage_sas_token", value)),
            "blobendpoint" => endpoint = Some(value.trim_end_matches('/')),
            "endpointsuffix" => suffix = Some(value),
            _ => {}
        }
    }
    // With a signature the account may stand in the endpoint alone.
    let host = endpoint.and_then(|endpoint| endpoint.split_once("://")).map(|(_, host)| host);
    let name = name.or_else(|| host?.split_once('.').map(|(account, _)| account))?;
    let of_suffix = || suffix.map(|suffix| format!("https://{name}.blob.{suffix}"));
    if let Some(endpoint) = endpoint.map(str::to_owned).or_else(of_suffix) {
        if endpoint.starts_with("http:") {
            options.push(option("azure_allow_http", "true"));
        }
        options.push(option("azure_storage_endpoint", endpoint));
    }
    options.push(option("azure_storage_account_name", name));
    Some(options)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::fs;

    use super::*;

    fn read(set: &[(&str, &str)]) -> Result<BTreeMap<String, String>, Error> {
        let lookup = |name: &str| {
            let found = set.iter().find(|(set, _)| *set == name);
            found.map(|(_, value)| (*value).to_owned())
        };
        let options = s3(Variables::new(&lookup))?;
        Ok(options.into_iter().map(|(name, value)| (name.to_lowercase(), value)).collect())
    }

    fn map(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn keys_come_from_variables_and_else_from_the_profile() {
        let home = tempfile::tempdir().unwrap();
        let files = home.path().join(".aws");
        fs::create_dir(&files).unwrap();
        let keys = "[default]\naws_access_key_id = 1\naws_secret_access_key = a=b\n[sso]\nx = y\n";
        fs::write(files.join("credentials"), keys).unwrap();
        let regions = "[default]\nregion = eu-west-1\ns3 =\n  max_queue_size = 7\n[profile sso]\n";
        fs::write(files.join("config"), regions).unwrap();
        let home = ("HOME", home.path().to_str().unwrap());

        let profile = [
            ("aws_access_key_id", "1"),
            ("aws_secret_access_key", "a=b"),
            ("aws_region", "eu-west-1"),
        ];
        assert_eq!(read(&[home]).unwrap(), map(&profile));
        let set = [home, ("AWS_ACCESS_KEY_ID", "2"), ("AWS_DEFAULT_REGION", "us-west-2")];
        let expected = map(&[("aws_access_key_id", "2"), ("aws_region", "us-west-2")]);
        assert_eq!(read(&set).unwrap(), expected);
        // It has none, and a client may never need them.
        assert_eq!(read(&[home, ("AWS_PROFILE", "sso")]).unwrap(), map(&[]));
        let token = [home, ("AWS_SESSION_TOKEN", "of other keys")];
        assert_eq!(read(&token).unwrap(), map(&profile));
    }

    #[test]
    fn mlflow_s_own_variables_come_first() {
        let set = [
            ("AWS_ENDPOINT_URL", "https://aws"),
            ("MLFLOW_S3_ENDPOINT_URL", "http://minio:9000"),
            ("MLFLOW_S3_IGNORE_TLS", "true"),
        ];
        let expected = [
            ("aws_allow_http", "true"),
            ("aws_allow_invalid_certificates", "true"),
            ("aws_endpoint", "http://minio:9000"),
        ];
        assert_eq!(read(&set).unwrap(), map(&expected));
    }

    #[test]
    fn a_connection_string_says_account_and_key_and_where() {
        let read =
            |text: &str| -> BTreeMap<_, _> { connection(text).unwrap().into_iter().collect() };
        let text = "DefaultEndpointsProtocol=https;AccountName=wine;AccountKey=a==;EndpointSuffix=core.windows.net";
        let expected = [
            ("azure_storage_account_key", "a=="),
            ("azure_storage_account_name", "wine"),
            ("azure_storage_endpoint", "https://wine.blob.core.windows.net"),
        ];
        assert_eq!(read(text), map(&expected));
        let text = "AccountName=dev;SharedAccessSignature=sv=1&sig=x;BlobEndpoint=http://127.0.0.1:10000/dev/;";
        let expected = [
            ("azure_allow_http", "true"),
            ("azure_storage_account_name", "dev"),
            ("azure_storage_endpoint", "http://127.0.0.1:10000/dev"),
            ("azure_storage_sas_token", "sv=1&sig=x"),
        ];
        assert_eq!(read(text), map(&expected));
        let text = "BlobEndpoint=https://wine.blob.core.windows.net/;SharedAccessSignature=sv=1";
        assert_eq!(read(text)["azure_storage_account_name"], "wine");
        for text in ["secret", "AccountKey=secret"] {
            assert_eq!(connection(text), None);
        }
    }
}

use std::collections::HashMap;

use tempfile::TempDir;

use super::*;
use crate::client::Entra;

const URI: (&str, &str) = ("MLFLOW_TRACKING_URI", "https://h/p");
const USERNAME: (&str, &str) = ("MLFLOW_TRACKING_USERNAME", "me");
const PASSWORD: (&str, &str) = ("MLFLOW_TRACKING_PASSWORD", "secret");
const TOKEN: (&str, &str) = ("MLFLOW_TRACKING_TOKEN", "secret");
const DATABRICKS: (&str, &str) = ("MLFLOW_TRACKING_URI", "databricks");
const HOST: (&str, &str) = ("DATABRICKS_HOST", "https://w");
const CATALOG: (&str, &str) = ("MLFLOW_REGISTRY_URI", "databricks-uc");

const CREDENTIALS: &str =
    "[mlflow]\nmlflow_tracking_username = stored\nmlflow_tracking_password = pw%";
const CONFIG: &str = "\
; the file of Databricks
[DEFAULT]
host = https://default
token = default-secret

[m2m]
host = w.cloud.example
client_id = id
client_secret = secret
workspace_id = 7
[entra]
host = https://adb.example/
azure_tenant_id = tenant
azure_client_id = id
azure_client_secret = secret
azure_workspace_resource_id = /subscriptions/1
[both]
host = https://w
token = secret
client_id = id
client_secret = secret
auth_type = oauth-m2m
[half]
host = https://w
username = me
[cli]
host = https://w
auth_type = databricks-cli
[nobody]
host = https://w
[nowhere]
token = secret
";

/// A home directory and what variables say.
struct World {
    home: TempDir,
    variables: HashMap<String, String>,
}

impl World {
    fn new(variables: &[(&str, &str)]) -> Self {
        let home = tempfile::tempdir().unwrap();
        let variables = variables.iter().map(|&(name, value)| (name.to_owned(), value.to_owned()));
        let mut variables: HashMap<_, _> = variables.collect();
        variables.insert("HOME".to_owned(), home.path().to_str().unwrap().to_owned());
        Self { home, variables }
    }

    fn file(self, path: &str, content: &str) -> Self {
        let path = self.home.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
        self
    }

    fn builder(&self) -> Result<MlflowClientBuilder, Error> {
        let lookup = |name: &str| self.variables.get(name).cloned();
        builder(None, Variables::new(&lookup))
    }
}

fn configured(variables: &[(&str, &str)]) -> World {
    World::new(variables).file(".databrickscfg", CONFIG)
}

fn basic(username: &str, password: &str) -> Auth {
    Auth::Basic { username: username.to_owned(), password: password.to_owned() }
}

fn token(token: &str) -> Auth {
    Auth::Token(token.to_owned())
}

fn principal() -> Auth {
    Auth::ServicePrincipal { client_id: "id".to_owned(), client_secret: "secret".to_owned() }
}

fn server() -> MlflowClientBuilder {
    MlflowClient::builder("https://h/p")
}

fn refused(world: &World) -> (ErrorKind, String) {
    let error = world.builder().unwrap_err();
    let cause = std::error::Error::source(&error).map(ToString::to_string).unwrap_or_default();
    let text = format!("{error}: {cause}");
    assert!(!format!("{error:?} {text}").contains("secret"), "{text}");
    (error.kind(), text)
}

#[test]
fn variables_say_where_the_server_is_and_who_asks() {
    let retries = |count, first, longest| {
        let (first, longest) = (Duration::from_millis(first), Duration::from_secs(longest));
        let mut retries = Retries::default();
        (retries.count, retries.first, retries.longest) = (count, first, longest);
        server().retries(retries)
    };
    let other = ("MLFLOW_REGISTRY_URI", "https://other");
    for (variables, expected) in [
        (vec![URI], server()),
        (vec![URI, USERNAME, PASSWORD], server().auth(basic("me", "secret"))),
        (vec![URI, TOKEN], server().auth(token("secret"))),
        (vec![URI, USERNAME, PASSWORD, TOKEN], server().auth(basic("me", "secret"))),
        (vec![URI, USERNAME, TOKEN], server().auth(token("secret"))),
        (vec![URI, USERNAME], server()),
        (vec![URI, ("MLFLOW_TRACKING_TOKEN", "")], server()),
        (vec![URI, ("MLFLOW_WORKSPACE", "team")], server().workspace("team")),
        (
            vec![URI, ("MLFLOW_TRACKING_INSECURE_TLS", "True")],
            server().danger_accept_invalid_certificates(),
        ),
        (vec![URI, ("MLFLOW_TRACKING_INSECURE_TLS", "0")], server()),
        (vec![URI, ("MLFLOW_TRACKING_AWS_SIGV4", "false")], server()),
        (vec![URI, ("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")], retries(0, 500, 20)),
        (vec![URI, ("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "10")], retries(10, 500, 20)),
        (vec![URI, ("MLFLOW_HTTP_REQUEST_BACKOFF_FACTOR", "0.25")], retries(5, 250, 20)),
        (vec![URI, ("MLFLOW_HTTP_REQUEST_BACKOFF_FACTOR", "60")], retries(5, 60_000, 60)),
        (
            vec![URI, ("MLFLOW_HTTP_REQUEST_TIMEOUT", "7")],
            server().read_timeout(Duration::from_secs(7)),
        ),
        (vec![URI, ("MLFLOW_REGISTRY_URI", "https://h/p")], server()),
        (
            vec![URI, other, TOKEN],
            server()
                .auth(token("secret"))
                .registry(MlflowClient::builder("https://other").auth(token("secret"))),
        ),
        (
            vec![URI, TOKEN, CATALOG, HOST, ("DATABRICKS_TOKEN", "t")],
            server()
                .auth(token("secret"))
                .registry(MlflowClient::builder("https://w").auth(token("t")).unity_catalog()),
        ),
    ] {
        let found = World::new(&variables).builder().unwrap();
        assert!(found == expected, "{variables:?}: {found:?}, expected {expected:?}");
    }
}

#[test]
fn name_and_password_may_be_in_a_file() {
    for (variables, expected) in [
        (vec![URI], basic("stored", "pw%")),
        (vec![URI, TOKEN], basic("stored", "pw%")),
        (vec![URI, USERNAME], basic("me", "pw%")),
        (vec![URI, USERNAME, PASSWORD], basic("me", "secret")),
    ] {
        let world = World::new(&variables).file(".mlflow/credentials", CREDENTIALS);
        assert!(world.builder().unwrap() == server().auth(expected), "{variables:?}");
    }
    let world = World::new(&[URI, TOKEN]).file(".mlflow/credentials", "[other]\nx = y");
    assert!(world.builder().unwrap() == server().auth(token("secret")));
    let world = World::new(&[URI]).file(".mlflow/credentials", "secret");
    assert_eq!(refused(&world).0, ErrorKind::Setting);
}

#[test]
fn certificates_are_files() {
    let mut world = World::new(&[URI]).file("ca.pem", "authorities").file("me.pem", "key");
    for (name, file) in [
        ("MLFLOW_TRACKING_SERVER_CERT_PATH", "ca.pem"),
        ("MLFLOW_TRACKING_CLIENT_CERT_PATH", "me.pem"),
    ] {
        let path = world.home.path().join(file).to_str().unwrap().to_owned();
        world.variables.insert(name.to_owned(), path);
    }
    let expected = server().certificate_authorities("authorities").client_certificate("key");
    assert!(world.builder().unwrap() == expected);
    world.variables.insert("MLFLOW_TRACKING_SERVER_CERT_PATH".to_owned(), "/none".to_owned());
    assert_eq!(refused(&world).0, ErrorKind::NotFound);
}

#[test]
fn an_argument_goes_before_the_variable() {
    let lookup = |name: &str| (name == URI.0).then(|| "databricks".to_owned());
    let found = builder(Some("https://h/p"), Variables::new(&lookup)).unwrap();
    assert!(found == server());
}

#[test]
fn workspaces_of_databricks_are_found_by_profile_or_variables() {
    let uri = |uri| ("MLFLOW_TRACKING_URI", uri);
    let default = || MlflowClient::builder("https://default").auth(token("default-secret"));
    let workspace = |auth| MlflowClient::builder("https://w").auth(auth);
    let m2m = || {
        MlflowClient::builder("https://w.cloud.example").auth(principal()).databricks_workspace("7")
    };
    let entra = Auth::Entra(Entra::new("tenant", "id", "secret"));
    let pat = ("DATABRICKS_TOKEN", "t");
    let id = ("DATABRICKS_CLIENT_ID", "id");
    let secret = ("DATABRICKS_CLIENT_SECRET", "secret");
    let by_m2m = ("DATABRICKS_AUTH_TYPE", "oauth-m2m");
    let arm =
        [("ARM_TENANT_ID", "tenant"), ("ARM_CLIENT_ID", "id"), ("ARM_CLIENT_SECRET", "secret")];
    for (variables, expected) in [
        (vec![DATABRICKS], default()),
        (vec![uri("databricks://")], default()),
        (vec![uri("databricks://m2m")], m2m()),
        (vec![uri("Databricks://m2m/")], m2m()),
        (vec![DATABRICKS, ("DATABRICKS_CONFIG_PROFILE", "m2m")], m2m()),
        (
            vec![uri("databricks://entra")],
            MlflowClient::builder("https://adb.example/")
                .auth(entra.clone())
                .header("x-databricks-azure-workspace-resource-id", "/subscriptions/1"),
        ),
        (vec![uri("databricks://both")], workspace(principal())),
        (vec![DATABRICKS, HOST, pat], workspace(token("t"))),
        (vec![DATABRICKS, ("DATABRICKS_HOST", "w"), pat], workspace(token("t"))),
        (vec![DATABRICKS, HOST, pat, ("DATABRICKS_CONFIG_PROFILE", "m2m")], workspace(token("t"))),
        (vec![uri("databricks://m2m"), HOST, pat], m2m()),
        (vec![DATABRICKS, HOST, id, secret], workspace(principal())),
        (vec![DATABRICKS, HOST, pat, id, secret, by_m2m], workspace(principal())),
        (vec![DATABRICKS, HOST, pat, id, secret], workspace(token("t"))),
        (vec![DATABRICKS, HOST, arm[0], arm[1], arm[2]], workspace(entra)),
        (
            vec![DATABRICKS, HOST, ("DATABRICKS_USERNAME", "me"), ("DATABRICKS_PASSWORD", "pw")],
            workspace(basic("me", "pw")),
        ),
        // What is for MLflow's servers is not for Databricks.
        (vec![DATABRICKS, TOKEN, ("MLFLOW_TRACKING_INSECURE_TLS", "true")], default()),
    ] {
        let found = configured(&variables).builder().unwrap();
        let expected = expected.unity_catalog();
        assert!(found == expected, "{variables:?}: {found:?}, expected {expected:?}");
    }
}

#[test]
fn the_registry_of_databricks_is_unity_catalog_unless_it_is_said_to_be_elsewhere() {
    let default = || MlflowClient::builder("https://default").auth(token("default-secret"));
    let both = || MlflowClient::builder("https://w").auth(principal());
    for (registry, expected) in [
        ("", default().unity_catalog()),
        ("databricks-uc", default().unity_catalog()),
        ("databricks", default()),
        ("databricks-uc://both", default().registry(both().unity_catalog())),
        ("databricks://both", default().registry(both())),
        ("http://other", default().registry(MlflowClient::builder("http://other"))),
    ] {
        let world = configured(&[DATABRICKS, ("MLFLOW_REGISTRY_URI", registry)]);
        assert!(world.builder().unwrap() == expected, "{registry}");
    }
}

#[test]
fn the_file_of_profiles_may_be_elsewhere() {
    let world = World::new(&[DATABRICKS, ("DATABRICKS_CONFIG_FILE", "~/other/file")]);
    let world = world.file("other/file", "[DEFAULT]\nhost = h\ntoken = t");
    let expected = MlflowClient::builder("https://h").auth(token("t")).unity_catalog();
    assert!(world.builder().unwrap() == expected);
}

#[test]
fn what_is_missing_or_malformed_is_named() {
    let uri = |uri| ("MLFLOW_TRACKING_URI", uri);
    for (variables, kind, told) in [
        (vec![], ErrorKind::Setting, "`MLFLOW_TRACKING_URI`: the setting is wrong: it is not set"),
        (vec![uri("mlruns-secret")], ErrorKind::Setting, "it is not the address of a server"),
        (vec![uri("/srv/secret")], ErrorKind::Setting, "it is not the address of a server"),
        (vec![uri("file:///secret")], ErrorKind::Unsupported, "the scheme `file:`"),
        (vec![uri("sqlite:///secret")], ErrorKind::Unsupported, "the scheme `sqlite:`"),
        (vec![uri("uc:http://secret")], ErrorKind::Unsupported, "the scheme `uc:`"),
        (vec![uri("databricks-uc")], ErrorKind::Unsupported, "the scheme `databricks-uc:`"),
        (vec![uri("databricks://secret:p")], ErrorKind::Unsupported, "the scheme `databricks:`"),
        (vec![URI, ("MLFLOW_REGISTRY_URI", "x")], ErrorKind::Setting, "`MLFLOW_REGISTRY_URI`"),
        (
            vec![URI, ("MLFLOW_TRACKING_INSECURE_TLS", "secret")],
            ErrorKind::Setting,
            "`MLFLOW_TRACKING_INSECURE_TLS`: the setting is wrong: it is not one of true",
        ),
        (
            vec![URI, ("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "11")],
            ErrorKind::Setting,
            "`MLFLOW_HTTP_REQUEST_MAX_RETRIES`: the setting is wrong: it is not a whole number from",
        ),
        (
            vec![URI, ("MLFLOW_HTTP_REQUEST_BACKOFF_FACTOR", "NaN")],
            ErrorKind::Setting,
            "a number of seconds from 0 to 120",
        ),
        (vec![URI, ("MLFLOW_HTTP_REQUEST_TIMEOUT", "0")], ErrorKind::Setting, "at least 1"),
        (
            vec![URI, ("MLFLOW_TRACKING_AWS_SIGV4", "true")],
            ErrorKind::Unsupported,
            "cannot log in by `MLFLOW_TRACKING_AWS_SIGV4`",
        ),
        (vec![URI, ("MLFLOW_TRACKING_AUTH", "kubernetes")], ErrorKind::Unsupported, "log in by"),
        (vec![uri("databricks://none")], ErrorKind::Setting, "there is no section `none`"),
        (vec![uri("databricks://half")], ErrorKind::Setting, "`password` of the profile `half`"),
        (vec![uri("databricks://nobody")], ErrorKind::Setting, "`token` of the profile `nobody`"),
        (vec![uri("databricks://nowhere")], ErrorKind::Setting, "`host` of the profile `nowhere`"),
        (vec![uri("databricks://cli")], ErrorKind::Unsupported, "log in by `databricks-cli`"),
        (vec![DATABRICKS, HOST], ErrorKind::Setting, "`DATABRICKS_TOKEN`"),
        (
            vec![DATABRICKS, HOST, ("ARM_CLIENT_ID", "id")],
            ErrorKind::Setting,
            "`ARM_TENANT_ID`: the setting is wrong: it is not set",
        ),
    ] {
        let (found, text) = refused(&configured(&variables));
        assert_eq!(found, kind, "{variables:?}: {text}");
        assert!(text.contains(told), "{variables:?}: {text}");
    }
}

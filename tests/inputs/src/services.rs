//! Policies of few and of many APIs, and what is asked of them.

use policy::{Policy, RouteRequest, Scheme};
use settings::{Document, Reference, Resolve, Sink};

/// The host of every service here.
pub const HOST: &str = "service-00a1b2c3.example.com";

/// A path, and what answers it.
#[derive(Debug, Clone, Copy)]
pub struct Asked {
    /// The class that the path belongs to.
    pub class: &'static str,
    /// The path, with the environment.
    pub path: &'static str,
    /// The id of the API that answers; of none when none does.
    pub api: Option<&'static str>,
}

/// One path of each class, for any [`serving`] with four APIs or more that are not free patterns.
pub const ASKED: [Asked; 5] = [
    Asked { class: "exact", path: "/release/e00000/path", api: Some("i0") },
    Asked { class: "prefix before patterns", path: "/release/f00001/path/below", api: Some("i1") },
    Asked { class: "variables", path: "/release/v00002/some/value/end", api: Some("i2") },
    Asked { class: "plain prefix", path: "/release/p00003/path/below", api: Some("i3") },
    Asked { class: "none", path: "/release/p0000x/path", api: None },
];

struct NoSecrets;

impl Resolve for NoSecrets {
    fn resolve(&self, _: Reference<'_>) -> Result<String, String> {
        Err("there are none".to_owned())
    }
}

/// One service with so many APIs, of all classes in turn; the last `free` ones are patterns that
/// may begin with anything: `/xNNNNN/[0-9]+` where the number is even, else `/{id}/xNNNNN`.
pub fn serving(apis: u32, free: u32) -> Policy {
    let mut text = format!("services:\n  - {{id: s, account: a, hosts: [{HOST}], apis: [\n");
    for n in 0..apis {
        let path = match n % 4 {
            _ if n >= apis.saturating_sub(free) && n > 3 => match n % 2 {
                0 => format!("/x{n:05}/[0-9]+"),
                _ => format!("/{{id}}/x{n:05}"),
            },
            0 => format!("=/e{n:05}/path"),
            1 => format!("^~/f{n:05}/"),
            2 => format!("/v{n:05}/{{id}}/end"),
            _ => format!("/p{n:05}/"),
        };
        text.push_str(&format!("    {{id: i{n}, path: \"{path}\", backend: {{mock: {{}}}}}},\n"));
    }
    text.push_str("    ]}\n");
    policy(&text)
}

/// One API that asks for a key pair, and so many key pairs `AKID0`, `AKID1` … with the secrets
/// `secret 0`, `secret 1` …, of the accounts `buyer-0`, `buyer-1` …
pub fn guarded(keys: u32) -> Policy {
    let mut text = format!(
        "services:\n  - {{id: s, account: a, hosts: [{HOST}], apis: [\n    \
         {{id: i0, path: /orders/, auth: key-pair, backend: {{mock: {{}}}}}}]}}\nkeys:\n"
    );
    for n in 0..keys {
        text.push_str(&format!(
            "  - {{secret_id: AKID{n}, secret: \"secret {n}\", account: buyer-{n}, services: [s]}}\n"
        ));
    }
    policy(&text)
}

/// A GET of this path, environment and all.
pub fn request(path: &str) -> RouteRequest<'_> {
    RouteRequest { host: Some(HOST.as_bytes()), scheme: Scheme::Http, path, method: "GET" }
}

fn policy(text: &str) -> Policy {
    let sink = Sink::new();
    let document = Document::parse("services.yaml", text, &sink);
    let policy = document.as_ref().and_then(|document| {
        let fields = document.root(&sink).fields()?;
        let (services, keys) = (fields.required("services")?, fields.optional("keys"));
        fields.close();
        policy::read(&services, keys.as_ref(), &NoSecrets)
    });
    sink.finish(policy).expect("what is written here has no mistakes")
}

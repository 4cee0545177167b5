//! Names that records have in common, made once.

use record::Net;

use super::mix;

/// Different callers of an account's services.
pub(super) const CALLERS: u64 = 40;
/// APIs of a service.
const APIS_OF_SERVICE: u64 = 5;
const REGIONS: [&str; 3] = ["ap-guangzhou", "ap-shanghai", "ap-beijing"];
const METHODS: [&str; 4] = ["GET", "GET", "GET", "POST"];

/// How many there are of each.
#[derive(Debug, Clone, Copy)]
pub struct Sizes {
    /// Accounts, whose services are called.
    pub accounts: u64,
    /// APIs of all services.
    pub apis: u64,
    /// Addresses of clients.
    pub addresses: u64,
    /// What clients call themselves.
    pub agents: u64,
    /// Of a hundred APIs, the first account has so many; the others share the rest evenly.
    pub first_has: u64,
}

/// All names.
pub struct Words {
    pub(super) apis: Vec<Api>,
    pub(super) callers: Vec<Caller>,
    pub(super) ips: Vec<String>,
    pub(super) agents: Vec<String>,
}

pub(super) struct Api {
    pub(super) name: String,
    pub(super) service: String,
    pub(super) account: String,
    pub(super) plan: String,
    pub(super) goods: String,
    pub(super) host: String,
    pub(super) path: String,
    pub(super) vip: String,
    pub(super) region: &'static str,
    pub(super) method: &'static str,
    pub(super) net: Net,
    pub(super) nodes: [String; 4],
    pub(super) first_caller: usize,
}

pub(super) struct Caller {
    pub(super) account: String,
    pub(super) secret_id: String,
    pub(super) app_code: String,
    pub(super) order: String,
}

// === impl Sizes ===

impl Default for Sizes {
    fn default() -> Self {
        Self { accounts: 1_000, apis: 20_000, addresses: 300_000, agents: 200, first_has: 0 }
    }
}

// === impl Words ===

impl Words {
    /// So many of each.
    pub fn new(sizes: Sizes) -> Self {
        let apis = (0..sizes.apis).map(|number| api(number, sizes)).collect();
        let callers = (0..sizes.accounts * CALLERS).map(caller).collect();
        let ips = (0..sizes.addresses).map(address).collect();
        let agents = (0..sizes.agents).map(agent).collect();
        Self { apis, callers, ips, agents }
    }

    /// The account that has the most, if one has.
    pub fn first_account() -> String {
        account(0)
    }
}

fn api(number: u64, sizes: Sizes) -> Api {
    let service = number / APIS_OF_SERVICE;
    let owner = if mix(service + 1) % 100 < sizes.first_has { 0 } else { service % sizes.accounts };
    let word = |kind: &str, of: u64| format!("{kind}-{:08x}", mix(of) as u32);
    let node = |n: u64| {
        let at = mix(service * 4 + n);
        format!("10.{}.{}.{}:8080", at % 200, at / 200 % 250, at / 50_000 % 250)
    };
    Api {
        name: word("api", number),
        service: word("service", service),
        account: account(owner),
        plan: word("plan", service + 7),
        goods: word("goods", service),
        host: format!("{}.example.com", word("service", service)),
        path: format!("/v1/{:06x}/", mix(number) & 0xff_ffff),
        vip: format!("198.51.100.{}", service % 9),
        region: REGIONS[(mix(service) % 3) as usize],
        method: METHODS[(mix(number) % 4) as usize],
        net: Net::ALL[usize::from(!mix(service).is_multiple_of(4))],
        nodes: [0, 1, 2, 3].map(node),
        first_caller: (owner * CALLERS) as usize,
    }
}

fn account(number: u64) -> String {
    format!("12{:08}", mix(number) % 100_000_000)
}

fn caller(number: u64) -> Caller {
    let at = mix(number + 3);
    let ordered = number.is_multiple_of(3);
    Caller {
        account: format!("12{:08}", at % 100_000_000),
        secret_id: format!("AKID{at:016x}"),
        app_code: format!("app-{:08x}", at as u32),
        order: if ordered { format!("order-{:012x}", at >> 16) } else { String::new() },
    }
}

fn address(number: u64) -> String {
    let at = mix(number + 11);
    format!("{}.{}.{}.{}", 1 + at % 223, at >> 8 & 255, at >> 16 & 255, at >> 24 & 255)
}

fn agent(number: u64) -> String {
    let at = mix(number);
    let (major, minor) = (at % 30, at / 30 % 200);
    match number % 4 {
        0 => format!("curl/{major}.{minor}.0"),
        1 => format!("Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/{minor}.0.{major}"),
        2 => format!("python-requests/2.{major}.{minor}"),
        _ => format!("client/{major}.{minor} (linux)"),
    }
}

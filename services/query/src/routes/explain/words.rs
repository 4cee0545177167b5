//! The sentences of an explanation, in both languages.

use record::{Fault, Part, Reason, Record};

use super::Language;

/// What happened.
pub(super) fn summary(record: &Record<'_>, language: Language) -> String {
    if record.part != Part::Final {
        let part = record.part.as_str();
        return match language {
            Language::En => format!("A record of part `{part}`, not of a request's end."),
            Language::Zh => format!("类型为 `{part}` 的记录，并非请求结束时的记录。"),
        };
    }
    let Record { method, uri, rsp_st, ups_st, err_msg, .. } = record;
    let request = match method.is_empty() {
        true => uri.to_string(),
        false => format!("{method} {uri}"),
    };
    let backend = match (language, ups_st.as_ref()) {
        (Language::En, "" | "-") => "no backend answered".to_owned(),
        (Language::En, status) => format!("the backend's status was {status}"),
        (Language::Zh, "" | "-") => "后端没有响应".to_owned(),
        (Language::Zh, status) => format!("后端状态码为 {status}"),
    };
    let error = match (language, err_msg.as_ref()) {
        (_, "") => String::new(),
        (Language::En, text) => format!("; the gateway said: {text}"),
        (Language::Zh, text) => format!("；网关的错误信息：{text}"),
    };
    match (language, rsp_st) {
        (Language::En, 499) => format!("{request}: the client left; {backend}{error}"),
        (Language::En, _) => format!("{request} was answered with {rsp_st}; {backend}{error}"),
        (Language::Zh, 499) => format!("{request}：客户端提前断开；{backend}{error}"),
        (Language::Zh, _) => format!("{request} 的响应状态码为 {rsp_st}；{backend}{error}"),
    }
}

/// What a span of time was used for.
pub(super) fn phase(phase: &str, language: Language) -> &'static str {
    match phase {
        "connecting" => language.pick("until the backend was connected", "与后端建立连接"),
        "waiting" => {
            language.pick("until the head of the backend's response was in", "等待后端返回响应头")
        }
        "unanswered" => {
            language.pick("with the backend, which sent no head of a response", "后端未返回响应头")
        }
        "receiving" => language.pick("until all of its response was in", "接收后端的全部响应"),
        "gateway" => language.pick(
            "in the gateway, and on the way from and to the client",
            "网关自身处理以及与客户端之间的传输",
        ),
        _ => language.pick("the whole request", "整个请求"),
    }
}

/// Whose failure it was, and in which phase.
pub(super) fn fault(record: &Record<'_>, language: Language) -> String {
    let whose = match record.fault {
        // Records of other gateways do not say it.
        Fault::None if !record.err_msg.is_empty() => {
            language.pick("The record does not say.", "记录中未注明。")
        }
        Fault::None => language.pick("Nobody's: nothing failed.", "没有故障方：一切正常。"),
        Fault::Client => language.pick("The client's.", "客户端。"),
        Fault::Gateway => language.pick("The gateway's.", "网关。"),
        Fault::Backend => language.pick("The backend's.", "后端。"),
    };
    let during = match &*record.phase {
        "resolving" => language
            .pick("It failed while the backend's name was resolved.", "发生在解析后端域名时。"),
        "connecting" => {
            language.pick("It failed while the backend was connected.", "发生在与后端建立连接时。")
        }
        "sending" => language.pick(
            "It failed while the request was sent to the backend.",
            "发生在向后端发送请求时。",
        ),
        "waiting" => language
            .pick("It failed while waiting for the backend's response.", "发生在等待后端响应时。"),
        "receiving" => language
            .pick("It failed while the backend's response was received.", "发生在接收后端响应时。"),
        _ => return whose.to_owned(),
    };
    match language {
        Language::En => format!("{whose} {during}"),
        Language::Zh => format!("{whose}{during}"),
    }
}

/// Why it counts as a call or not (RULE-1).
pub(super) fn reason(reason: Reason, language: Language) -> &'static str {
    match reason {
        Reason::Ok => language.pick(
            "It counts as a call, because the status is 200.",
            "计为一次调用，因为响应状态码为 200。",
        ),
        Reason::BackendAnswered => language.pick(
            "It counts as a call, because the request reached the backend.",
            "计为一次调用，因为请求已到达后端。",
        ),
        Reason::NotACall => language.pick(
            "It does not count as a call, because the record is not of a request's end.",
            "不计为调用，因为该记录并非请求结束时的记录。",
        ),
        Reason::GatewayRejected => language.pick(
            "It does not count as a call, because the gateway refused it before any backend.",
            "不计为调用，因为请求在到达后端之前被网关拒绝。",
        ),
        Reason::GatewayFailed => language.pick(
            "It does not count as a call, because the gateway reached no backend.",
            "不计为调用，因为网关未能到达后端。",
        ),
        Reason::GatewayAnswered => language.pick(
            "It does not count as a call, because the gateway answered by itself with another \
             status than 200.",
            "不计为调用，因为网关自行以非 200 状态码作答。",
        ),
        Reason::ClientLeft => language.pick(
            "It does not count as a call, because the client left before the backend answered.",
            "不计为调用，因为客户端在后端响应之前已断开。",
        ),
    }
}

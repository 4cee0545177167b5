//! `GET /v1/bills/{hour}`: what an hour cost, line by line.
//!
//! A closed hour's bills are given as they were stored, byte for byte. One that is not closed is
//! asked of whoever counts, and says so; what the caller may not see is left out here.

use axum::Json;
use axum::extract::rejection::{PathRejection, QueryRejection};
use axum::extract::{Path, Query, State as Extract};
use record::Hour;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use utoipa::{IntoParams, ToSchema};

use crate::app::{Shared, State};
use crate::caller::Caller;
use crate::problem::{Code, Problem};
use crate::roles::Resource;
use crate::routes::Problems;
use crate::routes::hours::{HourState, closing, counted, hour_of, unclosed};
use crate::scope::{Scope, Select, Table};

/// Bills of one answer; each has some kilobytes. Beyond that, one account has to be named.
const BILLS_MAX: usize = 1000;

/// Whose bills.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct Which {
    /// Only this account's bill.
    account: Option<String>,
}

/// The bills of an hour.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct BillsBody {
    /// The hour's begin, RFC 3339.
    #[schema(example = "2026-11-20T13:00:00Z")]
    hour: String,
    /// How far it is.
    state: HourState,
    /// When it was closed, RFC 3339.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "2026-11-20T14:00:05.000Z")]
    closed_at: Option<String>,
    /// One for each account with use or corrections in the hour, by account.
    #[schema(value_type = Vec<BillBody>)]
    bills: Vec<Box<RawValue>>,
    /// Use that could not be rated when the hour was closed, and why. It is billed later, when it
    /// is released.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    held: Vec<HeldBody>,
}

/// Use that was held back from an account's bills.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub(crate) struct HeldBody {
    /// The account.
    account: String,
    /// The hour of the use, RFC 3339: this one, or an earlier one of which it came late.
    hour: String,
    /// Why.
    reason: String,
}

/// Of a stored proof, what is held back.
#[derive(Debug, Deserialize)]
struct ProofHeld {
    #[serde(default)]
    held: Vec<HeldBody>,
}

/// One account's bill of an hour. Decimals are texts.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct BillBody {
    /// The hour's begin, RFC 3339.
    hour: String,
    /// Who is billed.
    account: String,
    /// `open`, `provisional` or `closed`.
    state: String,
    /// ISO 4217.
    currency: String,
    /// What it is made of; their amounts sum exactly to the total.
    lines: Vec<LineBody>,
    /// The sum.
    #[schema(example = "0.00060000")]
    total: String,
    /// What was counted.
    #[schema(value_type = Object)]
    usage: Box<RawValue>,
}

/// One priced quantity.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct LineBody {
    /// Its place in the bill.
    id: String,
    /// `calls` or `traffic`.
    item: String,
    /// Region of the gateway, where it matters.
    region: String,
    /// `response` or `backend`, for traffic.
    direction: String,
    /// `shared` or `dedicated`.
    instance_type: String,
    /// The band of the month's use.
    tier: String,
    /// How much; negative in a correction that takes back.
    quantity: String,
    /// Of what.
    unit: String,
    /// The price of the band.
    unit_price: String,
    /// Quantity times price, rounded once.
    amount: String,
    /// SHA-256 of the price book.
    price_book: String,
    /// The name of the price book.
    price_book_id: String,
    /// The closed hour that the line corrects.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    corrects_hour: Option<String>,
    /// The line of that hour.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    corrects_line: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Row {
    bill: String,
}

/// Gives the bills of an hour: the caller's own, or those of all accounts.
#[utoipa::path(
    get,
    path = "/v1/bills/{hour}",
    operation_id = "get_bills",
    tag = "bills",
    params(
        ("hour" = String, Path, description = "In UTC, as `2026-11-20T13` or `2026-11-20T13:00:00Z`."),
        Which,
    ),
    responses((status = 200, description = "The bills.", body = BillsBody), Problems),
    security(("token" = [])),
)]
pub(crate) async fn get_bills(
    Extract(app): Extract<State>,
    caller: Caller,
    path: Result<Path<String>, PathRejection>,
    which: Result<Query<Which>, QueryRejection>,
) -> Result<Json<BillsBody>, Problem> {
    let scope = caller.read(Resource::Bills)?;
    let Query(Which { account }) = which?;
    let hour = hour_of(path)?;
    check_account(&scope, account.as_deref())?;
    let account = account.as_deref();
    let Some(closing) = closing(&app, &scope, hour).await? else {
        let state = unclosed(hour, app.now())?;
        counted(&app, &scope, hour).await?;
        let bills = raw(so_far(&app, &scope, hour, account).await?)?;
        let (hour, held) = (hour.to_string(), Vec::new());
        return Ok(Json(BillsBody { hour, state, closed_at: None, bills, held }));
    };
    let held = held(&closing.proof, &scope, account)?;
    let bills = raw(stored(&app, &scope, hour, account).await?)?;
    let (hour, closed_at) = (hour.to_string(), Some(closing.stored_at));
    Ok(Json(BillsBody { hour, state: HourState::Closed, closed_at, bills, held }))
}

/// The proof is of all accounts: what it says of others is left out.
pub(crate) fn held(
    proof: &str,
    scope: &Scope,
    account: Option<&str>,
) -> Result<Vec<HeldBody>, Problem> {
    let ProofHeld { held } = serde_json::from_str(proof).map_err(Problem::internal)?;
    let mut held = held;
    held.retain(|held| is_asked(scope, account, &held.account));
    Ok(held)
}

/// TENANT-1 for what does not come from a scoped table: nothing passes that the scope does not hold.
fn is_asked(scope: &Scope, account: Option<&str>, found: &str) -> bool {
    scope.holds(found) && account.is_none_or(|account| account == found)
}

/// Somebody who names another account is told, rather than shown an empty bill.
fn check_account(scope: &Scope, account: Option<&str>) -> Result<(), Problem> {
    match account {
        Some(account) if !scope.holds(account) => {
            let detail = "leave `account` out, or name the token's own";
            Err(Problem::new(Code::AccountForbidden, detail))
        }
        _ => Ok(()),
    }
}

pub(crate) async fn stored(
    app: &Shared,
    scope: &Scope,
    hour: Hour,
    account: Option<&str>,
) -> Result<Vec<String>, Problem> {
    let rows: Vec<Row> = app.reader.fetch(scope, &bills_sql(hour, account)).await?;
    Ok(rows.into_iter().map(|row| row.bill).collect())
}

fn bills_sql(hour: Hour, account: Option<&str>) -> Select {
    let select = Select::new(Table::Bills, "bill")
        .filter("hour = {hour:DateTime('UTC')}")
        .param("hour", hour)
        .order("account")
        .limit(BILLS_MAX as u64 + 1);
    match account {
        Some(account) => select.filter("account = {account:String}").param("account", account),
        None => select,
    }
}

async fn so_far(
    app: &Shared,
    scope: &Scope,
    hour: Hour,
    account: Option<&str>,
) -> Result<Vec<String>, Problem> {
    let only = scope.bound_to().or(account);
    let bills = app.provisional.bills(hour, only).await.map_err(Problem::internal)?;
    let shown = bills.into_iter().filter(|bill| is_asked(scope, account, &bill.account));
    Ok(shown.map(|bill| bill.bill).collect())
}

fn raw(bills: Vec<String>) -> Result<Vec<Box<RawValue>>, Problem> {
    if bills.len() > BILLS_MAX {
        let detail = format!("the hour has more than {BILLS_MAX} bills: name one with `?account=`");
        return Err(Problem::new(Code::AccountNeeded, detail));
    }
    let raw = bills.into_iter().map(|bill| RawValue::from_string(bill).map_err(Problem::internal));
    raw.collect()
}

#[cfg(test)]
mod tests;

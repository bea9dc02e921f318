//! SMTP logins, written in the order in which the password that the tenant reads always works.

use kube::Client;

use super::failure;
use super::requests::Address;
use crate::api::meta;
use crate::error::Cause;
use crate::plan::Written;
use crate::plan::observed::NamespaceSeen;
use crate::plan::step::{Failure, LoginDeed, LoginStep};

/// Does one step.
///
/// # Errors
/// The first write that failed; those after it were not made.
pub async fn run(client: &Client, step: &LoginStep) -> Result<Written, Failure> {
    let done = match &step.deed {
        LoginDeed::Mint { replaces: None } => mint(client, step, false).await,
        LoginDeed::Mint { replaces: Some(_) } => mint(client, step, true).await,
        LoginDeed::Retell => match retell(client, step).await {
            // There is no password to be left as it is.
            Err(error) if Cause::of(&error) == Cause::NotFound => mint(client, step, false).await,
            done => done,
        },
    };
    done.map_err(|error| {
        let tenant = &step.tenant;
        failure(&format!("making the SMTP login of {tenant}"), &error)
    })
}

async fn mint(client: &Client, step: &LoginStep, replaces: bool) -> kube::Result<Written> {
    let (beside, inside) = (Address::secrets(&step.home), Address::secrets(&step.tenant));
    let name = step.check_name();
    let before = if replaces {
        match beside.get(client, &name).await {
            Ok(secret) => Some(secret),
            Err(error) if Cause::of(&error) == Cause::NotFound => None,
            Err(error) => return Err(error),
        }
    } else {
        None
    };
    let minted = step.mint(rand::random(), before.as_ref());
    beside.apply(client, &name, &minted.check).await?;
    inside.apply(client, meta::SMTP, &minted.tenants).await?;
    let written_down = step.written_down(&minted.fact);
    note(client, step, &written_down).await
}

async fn retell(client: &Client, step: &LoginStep) -> kube::Result<Written> {
    let (tenants, check) = step.retold();
    let beside = Address::secrets(&step.home);
    beside.merge(client, &step.check_name(), &check).await?;
    let inside = Address::secrets(&step.tenant);
    inside.merge(client, meta::SMTP, &tenants).await?;
    note(client, step, &step.written_down(&step.fact)).await
}

async fn note(
    client: &Client,
    step: &LoginStep,
    fact: &serde_json::Value,
) -> kube::Result<Written> {
    let namespaces = Address::namespaces();
    let object = namespaces.merge(client, &step.tenant, fact).await?;
    Ok(Written::Namespace(NamespaceSeen::read(&object)))
}

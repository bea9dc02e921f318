//! The SMTP login of a customer: made once it has a route, then left alone but for what it says beside its password.

use jiff::Timestamp;
use kube::ResourceExt;

use super::decisions::Decisions;
use crate::api::{Access, meta};
use crate::domain::facts::LoginFact;
use crate::domain::fingerprint;
use crate::plan::objects::{Owner, bindings};
use crate::plan::observed::{CustomerObserved, SmtpServer};
use crate::plan::status::second;
use crate::plan::step::{Child, LoginDeed, LoginStep, Step};
use crate::plan::subject::Subject;

/// What a login takes.
#[derive(Debug, Default)]
pub struct Login {
    /// The operator's own right to write the Secret in the tenant.
    pub binding: Option<Child>,
    /// What is to be done once that is there.
    pub step: Option<Step>,
}

/// Where the customer sends its mail, if it is to have a login. A tenant that is stopped keeps the one it has.
pub fn server<'a>(
    observed: &'a CustomerObserved,
    decisions: &Decisions<'_>,
) -> Option<&'a SmtpServer> {
    let sends = decisions.access.access != Access::Stopped && !decisions.facts.routes.is_empty();
    observed.smtp.as_ref().filter(|_| sends)
}

/// The login as it should be, against what is written down of it.
pub fn furnish(
    observed: &CustomerObserved,
    subject: &Subject,
    owner: &Owner,
    namespace: &str,
    decisions: &Decisions<'_>,
    now: Timestamp,
) -> Login {
    let Some(server) = server(observed, decisions) else {
        return Login::default();
    };
    let binding = bindings::own(
        owner,
        namespace,
        bindings::LOGIN,
        &observed.operator_namespace,
    );
    let key = (binding.kind, binding.name.clone());
    let bound = observed.children.get(&key);
    let may =
        observed.logins_open && bound.is_some_and(|bound| bound.fingerprint == binding.fingerprint);
    let tenant = observed.tenant.as_ref().filter(|_| may);
    let step = tenant.zip(deed(observed, subject, server, decisions, now));
    Login {
        step: step.map(|(tenant, (deed, fact))| {
            Step::Login(LoginStep {
                tenant: namespace.to_owned(),
                tenant_uid: tenant.uid.clone(),
                home: subject.key.namespace.to_string(),
                customer: subject.key.name.to_string(),
                labels: owner.labels(),
                server: server.clone(),
                fact,
                deed,
            })
        }),
        binding: Some(binding),
    }
}

/// What is to be done, and what will be written down then.
fn deed(
    observed: &CustomerObserved,
    subject: &Subject,
    server: &SmtpServer,
    decisions: &Decisions<'_>,
    now: Timestamp,
) -> Option<(LoginDeed, LoginFact)> {
    let annotations = observed.customer.annotations();
    let wish = annotations
        .get(meta::ANNOTATION_ROTATE_SMTP)
        .map(|wish| format!("{:016x}", fingerprint::of_text(wish)));
    let fact = LoginFact {
        issued_at: second(now).to_string(),
        rotation: wish.clone(),
        server: format!("{}:{}", server.host, server.port),
        customer: subject.uid.clone(),
    };
    let Some(made) = &decisions.facts.login else {
        return Some((LoginDeed::Mint { replaces: None }, fact));
    };
    if wish.is_some() && wish != made.rotation {
        let replaces = Some(made.issued_at.clone());
        return Some((LoginDeed::Mint { replaces }, fact));
    }
    let retold = LoginFact {
        issued_at: made.issued_at.clone(),
        rotation: made.rotation.clone(),
        ..fact
    };
    (retold != *made).then_some((LoginDeed::Retell, retold))
}

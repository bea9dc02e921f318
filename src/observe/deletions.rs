//! Requests to delete customers: whom they are about, and what is seen for one.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use kube::ResourceExt;

use super::relations::keys;
use super::table::{Change, Id};
use super::tolerant::Tolerant;
use super::world::World;
use crate::api::{Customer, DeletionPhase, DeletionRequest, meta};
use crate::domain::deletion;
use crate::domain::names::{partner_namespace, tenant_of};
use crate::plan::observed::deletion::{
    FormSeen, PurgesSeen, RequestObserved, RequestSeen, Source, is_held,
};
use crate::plan::observed::{Departure, NamespaceSeen};
use crate::plan::{Key, Kind};

fn phase(request: &DeletionRequest) -> Option<DeletionPhase> {
    request.status.as_ref().and_then(|status| status.phase)
}

fn filed(request: &DeletionRequest) -> Option<Timestamp> {
    request.creation_timestamp().map(|time| time.0)
}

fn read(object: Option<&Tolerant<DeletionRequest>>) -> Option<&Arc<DeletionRequest>> {
    object.and_then(|object| object.object().ok())
}

/// The customer that a request in this namespace is about, by the names alone.
fn about(namespace: &str, request: &DeletionRequest) -> Option<Id> {
    match namespace.split_once(meta::TENANT_SEPARATOR) {
        Some((partner, customer)) => Some((partner_namespace(partner), customer.to_owned())),
        None => {
            let customer = request.spec.customer.clone()?;
            Some((namespace.to_owned(), customer))
        }
    }
}

impl World {
    pub(super) fn request_concerns(
        &mut self,
        change: &Change<Tolerant<DeletionRequest>>,
    ) -> BTreeSet<Key> {
        let (old, new) = (read(change.old.as_ref()), read(change.new.as_ref()));
        self.requests_by
            .set(&change.id, old.map(Arc::as_ref), new.map(Arc::as_ref));
        let mut concerned = BTreeSet::new();
        for (request, there) in [(old, false), (new, true)] {
            let Some(customer) = request.and_then(|request| about(&change.id.0, request)) else {
                continue;
            };
            if there {
                self.requests_of.add(customer.clone(), change.id.clone());
            } else {
                self.requests_of.remove(&customer, &change.id);
            }
            concerned.extend(self.requests_keys(&customer));
            concerned.insert(Key::new(Kind::Customer, &customer.0, &customer.1));
        }
        if old.is_none()
            && let Some(new) = new
            && Source::of(new).is_automatic()
        {
            concerned.extend(self.crowd_of(new));
        }
        let purged = |request: Option<&Arc<DeletionRequest>>| {
            request.and_then(|request| phase(request)) == Some(DeletionPhase::Purging)
        };
        if new.is_none_or(|new| phase(new) != Some(DeletionPhase::Pending)) {
            self.purges_begun.remove(&change.id);
        }
        if purged(old) && !purged(new) {
            concerned.extend(self.next_to_purge());
        }
        concerned
    }

    /// Whether the tenant of a customer hangs on a request that is not there.
    pub fn has_lost_request(&self, key: &Key) -> bool {
        let tenant = tenant_of(&key.namespace, &key.name);
        let tenant = tenant.and_then(|tenant| self.namespace(&tenant));
        let request = tenant.map(|tenant| tenant.annotation(meta::ANNOTATION_DELETION_REQUEST));
        request.is_some_and(|name| {
            !name.is_empty() && self.requests.get(&key.namespace, name).is_none()
        })
    }

    /// Requests, and forms, about a customer.
    pub(super) fn requests_keys(&self, customer: &Id) -> Vec<Key> {
        keys(Kind::DeletionRequest, self.requests_of.of(customer)).collect()
    }

    /// What requests beside a customer say, oldest first.
    pub(super) fn requests_about(&self, customer: &Id) -> Vec<RequestSeen> {
        let beside = self.requests_beside(customer);
        beside
            .iter()
            .map(|request| RequestSeen::of(request))
            .collect()
    }

    /// Requests beside a customer, oldest first.
    fn requests_beside(&self, customer: &Id) -> Vec<Arc<DeletionRequest>> {
        let ids = self.requests_of.of(customer);
        let mut beside: Vec<Arc<DeletionRequest>> = ids
            .filter(|id| id.0 == customer.0)
            .filter_map(|id| self.own(&id.0, &id.1))
            .collect();
        beside.sort_by_cached_key(|request: &Arc<DeletionRequest>| {
            (filed(request), request.name_any())
        });
        beside
    }

    /// Requests beside their customers that are in a phase.
    fn requests_of_phase(
        &self,
        phase: DeletionPhase,
    ) -> impl Iterator<Item = &Arc<DeletionRequest>> {
        let ids = self.requests_by.of_phase(phase);
        ids.filter_map(|(namespace, name)| read(self.requests.get(namespace, name)))
    }

    /// Those that wait and came so close to this one that they may be of one crowd.
    fn crowd_of(&self, request: &DeletionRequest) -> Vec<Key> {
        let window = SignedDuration::try_from(deletion::CROWD_WINDOW).unwrap_or_default();
        let Some(at) = filed(request) else {
            return Vec::new();
        };
        let near = self.requests_by.automatic_near(at, window);
        near.filter_map(|(_, (namespace, name))| read(self.requests.get(namespace, name)))
            .filter(|other| phase(other) == Some(DeletionPhase::Pending) && !is_held(other))
            .map(|other| key(other))
            .collect()
    }

    /// Those whose turn it is when a purge is done.
    fn next_to_purge(&self) -> Vec<Key> {
        let mut waiting: Vec<_> = self
            .requests_of_phase(DeletionPhase::Pending)
            .filter(|request| !is_held(request))
            .collect();
        waiting.sort_by_cached_key(|request| {
            let status = request.status.as_ref();
            status.and_then(|status| status.finalize_at.as_ref().map(|at| at.0))
        });
        let next = waiting.into_iter().take(deletion::AT_ONCE);
        next.map(|request| key(request)).collect()
    }

    /// Whether a request that nobody meant one by one came in a crowd of such.
    fn is_crowded(&self, request: &DeletionRequest) -> bool {
        if !Source::of(request).is_automatic() {
            return false;
        }
        let Some(at) = filed(request) else {
            return false;
        };
        // Customers are counted, not requests: one that is deleted and applied again and again is no crowd. Of its requests the one
        // that was filed nearest to this one counts.
        let mut moments: HashMap<Id, Timestamp> = HashMap::new();
        let window = SignedDuration::try_from(deletion::CROWD_WINDOW).unwrap_or_default();
        for (filed, (namespace, name)) in self.requests_by.automatic_near(at, window) {
            let other = read(self.requests.get(namespace, name));
            let Some(customer) = other.and_then(|other| about(namespace, other)) else {
                continue;
            };
            let distance = |moment: Timestamp| moment.duration_since(at).abs();
            let nearest = moments.entry(customer).or_insert(*filed);
            if distance(*filed) < distance(*nearest) {
                *nearest = *filed;
            }
        }
        let moments = moments.into_values();
        let limit = deletion::crowd_limit(self.customers_known());
        deletion::is_crowded(at, moments, deletion::CROWD_WINDOW, limit)
    }

    /// Customers that are there, and tenants whose Customer is gone.
    pub(super) fn customers_known(&self) -> usize {
        let retained = self.namespaces.values();
        let retained = retained.filter(|seen| is_retained(seen)).count();
        self.customers.values().count() + retained
    }

    /// Takes note that a request goes on to its purge, before its status says so: others that are looked at meanwhile must know.
    pub fn purge_begins(&mut self, key: &Key) {
        let known = read(self.requests.get(&key.namespace, &key.name));
        if known.and_then(|request| phase(request)) != Some(DeletionPhase::Purging) {
            let id = (key.namespace.to_string(), key.name.to_string());
            self.purges_begun.insert(id);
        }
    }

    fn purges(&self, key: &Key, now: Timestamp) -> PurgesSeen {
        let window = SignedDuration::try_from(deletion::PURGE_WINDOW).unwrap_or_default();
        let since = now.checked_sub(window).unwrap_or(Timestamp::MIN);
        let own = |id: &&Id| (&*id.0, &*id.1) == (&*key.namespace, &*key.name);
        let with_begun = |ids: HashSet<&Id>| {
            let all = ids.into_iter().chain(&self.purges_begun);
            all.filter(|id| !own(id)).collect::<HashSet<_>>().len()
        };
        let under_way = self.requests_by.of_phase(DeletionPhase::Purging);
        let under_way = under_way.filter(|(namespace, name)| {
            let request = read(self.requests.get(namespace, name));
            request.is_none_or(|request| !is_stuck(request, now))
        });
        PurgesSeen {
            under_way: with_begun(under_way.collect()),
            lately: with_begun(self.requests_by.purged_after(since).collect()),
            limit: deletion::purge_limit(self.customers_known()),
        }
    }

    /// Tenants without a Customer, in these partner namespaces.
    pub(super) fn retained_in(&self, namespaces: &[String]) -> usize {
        let partners = namespaces
            .iter()
            .filter_map(|namespace| namespace.strip_prefix(meta::PARTNER_NAMESPACE_PREFIX));
        let tenants = partners.flat_map(|partner| self.tenants_of.of(&partner.to_owned()));
        tenants
            .filter_map(|tenant| self.namespace(tenant))
            .filter(|seen| is_retained(seen))
            .count()
    }

    /// Everything about one request.
    pub fn request(
        &self,
        key: &Key,
        departure: Option<Departure>,
        clock_agrees: bool,
        now: Timestamp,
    ) -> Option<RequestObserved> {
        let request: Arc<DeletionRequest> = self.readable(key).or_else(|| self.remains(key))?;
        let form_in = self
            .namespace(&key.namespace)
            .filter(|seen| seen.label(meta::LABEL_TYPE) == meta::TYPE_TENANT)
            .cloned();
        let customer = about(&key.namespace, &request).unwrap_or_default();
        let namespace = tenant_of(&customer.0, &customer.1).unwrap_or_default();
        let uid = request.uid().unwrap_or_default();
        let beside = self.requests_beside(&customer);
        let waits = phase(&request) == Some(DeletionPhase::Pending);
        Some(RequestObserved {
            place: self.place(&key.namespace),
            filed: form_in.as_ref().and_then(|_| {
                let mut beside = beside.iter();
                beside.find(|other| form_of(other) == Some(&uid)).cloned()
            }),
            form_in,
            customer: self.own::<Customer>(&customer.0, &customer.1),
            customer_unreadable: self
                .customers
                .get(&customer.0, &customer.1)
                .is_some_and(|customer| customer.object().is_err()),
            tenant: self.namespace(&namespace).cloned(),
            children: self.children_in(&namespace),
            form: self.form(&request, &namespace),
            rival: rival(&beside, &request),
            superseded: is_superseded(&beside, &request),
            crowded: waits && self.is_crowded(&request),
            purges: if waits {
                self.purges(key, now)
            } else {
                PurgesSeen::default()
            },
            clock_agrees,
            request,
            departure,
        })
    }

    /// The form that a request was filed for.
    fn form(&self, request: &DeletionRequest, tenant: &str) -> FormSeen {
        let Some(uid) = form_of(request) else {
            return FormSeen::None;
        };
        if self.namespace(tenant).is_none_or(|seen| seen.deleting) {
            return FormSeen::SweptAlong;
        }
        let inside = self
            .inside
            .of(&(Kind::DeletionRequest, tenant.to_owned()))
            .filter_map(|name| self.own::<DeletionRequest>(tenant, name));
        let mut forms = inside.filter(|form| form.uid().as_ref() == Some(uid));
        match forms.next() {
            // Going with its CRD, it was not taken back by anybody.
            Some(form) => FormSeen::There(form),
            None => FormSeen::Gone,
        }
    }

    /// How many requests are in a phase.
    pub fn requests_in(&self, wanted: DeletionPhase) -> usize {
        self.requests_by.count(wanted)
    }

    /// Requests that wait for a person to confirm them.
    pub fn requests_held(&self) -> usize {
        self.requests_of_phase(DeletionPhase::Pending)
            .filter(|request| is_held(request))
            .count()
    }

    /// Requests that should be over by now: their grace was over, or their tenant began to go, that long ago.
    pub fn requests_overdue(&self, now: Timestamp, after: SignedDuration) -> usize {
        let open = [DeletionPhase::Pending, DeletionPhase::Purging];
        let open = open.map(|phase| self.requests_of_phase(phase));
        let overdue = open.into_iter().flatten().filter(|request| {
            let Some(status) = &request.status else {
                return false;
            };
            let since = match status.phase {
                Some(DeletionPhase::Pending) => status.finalize_at.as_ref().map(|at| at.0),
                Some(DeletionPhase::Purging) => status.history.last().map(|event| event.at.0),
                _ => None,
            };
            since.is_some_and(|since| now.duration_since(since) >= after)
        });
        overdue.count()
    }
}

/// Whether something has held its tenant for so long that others need not wait for it.
fn is_stuck(request: &DeletionRequest, now: Timestamp) -> bool {
    request.status.as_ref().is_some_and(|status| {
        let begun = status.history.last().map(|event| event.at.0);
        let long = begun.is_some_and(|begun| now.duration_since(begun) >= deletion::STUCK);
        long && !status.blocked_by.is_empty()
    })
}

fn key(request: &DeletionRequest) -> Key {
    let namespace = request.namespace().unwrap_or_default();
    Key::new(Kind::DeletionRequest, &namespace, &request.name_any())
}

fn form_of(request: &DeletionRequest) -> Option<&String> {
    request.annotations().get(meta::ANNOTATION_FORM_UID)
}

fn is_retained(seen: &NamespaceSeen) -> bool {
    seen.label(meta::LABEL_TYPE) == meta::TYPE_TENANT && seen.label(meta::LABEL_RETAINED) == "true"
}

/// Whether it was taken back, and as many later ones were as are kept.
fn is_superseded(beside: &[Arc<DeletionRequest>], request: &DeletionRequest) -> bool {
    let taken_back = |request: &DeletionRequest| phase(request) == Some(DeletionPhase::Cancelled);
    let later = beside.iter().rev();
    let later = later.take_while(|other| other.uid() != request.uid());
    taken_back(request) && later.filter(|it| taken_back(it)).count() >= deletion::TAKEN_BACK_KEPT
}

/// Another request about the same customer that is under way and was there before.
fn rival(beside: &[Arc<DeletionRequest>], request: &DeletionRequest) -> Option<String> {
    let own = RequestSeen::of(request);
    let others = beside.iter().filter(|other| other.uid() != request.uid());
    let mut open = others.filter(|other| {
        let seen = RequestSeen::of(other);
        let same = own.customer_uid.is_none()
            || seen.customer_uid.is_none()
            || seen.customer_uid == own.customer_uid;
        // Of two that nobody has looked at yet the older one counts.
        let before = phase(other).is_some()
            || (filed(other), other.name_any()) < (filed(request), request.name_any());
        seen.is_open() && same && before
    });
    open.next().map(|other| other.name_any())
}

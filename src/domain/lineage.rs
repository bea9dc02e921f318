//! The partner path: provider, its reseller, that one's reseller, down to the partner that owns a namespace.

use std::sync::Arc;

use kube::ResourceExt;

use crate::api::{
    CustomerDefaults, NamePolicy, Partner, PolicyKind, StaffRole, StaffScope, Visibility,
};

/// What a namespace is to the objects in it.
#[derive(Clone, Debug)]
pub enum Place {
    /// `clientele-partners`, where the providers are.
    Root,
    /// A partner's own namespace.
    Partner(Lineage),
    /// It is to be a partner's, by its name or labels, but that partner, or one above it, is not in order yet.
    Coming,
    /// Any other namespace.
    Elsewhere,
}

impl Place {
    /// The path that leads to a partner's own namespace.
    pub fn partner(&self) -> Option<&Lineage> {
        match self {
            Self::Partner(lineage) => Some(lineage),
            Self::Root | Self::Coming | Self::Elsewhere => None,
        }
    }
}

/// Partners from the provider down to the nearest, as their objects are now.
#[derive(Clone, Debug, Default)]
pub struct Lineage {
    top_first: Vec<Arc<Partner>>,
}

impl Lineage {
    /// A path of these partners, the provider first.
    pub fn new(top_first: Vec<Arc<Partner>>) -> Self {
        Self { top_first }
    }

    /// The path, one partner longer.
    #[must_use]
    pub fn with(mut self, partner: Arc<Partner>) -> Self {
        self.top_first.push(partner);
        self
    }

    /// Partners from the nearest up to the provider: the order in which the nearer one wins.
    pub fn nearest_first(&self) -> impl Iterator<Item = &Arc<Partner>> {
        self.top_first.iter().rev()
    }

    /// Partner names, the provider first.
    pub fn path(&self) -> Vec<String> {
        self.top_first
            .iter()
            .map(|partner| partner.name_any())
            .collect()
    }

    /// The name of the partner at the top, under which customer numbers are unique.
    pub fn provider(&self) -> Option<String> {
        self.top_first.first().map(|partner| partner.name_any())
    }

    /// The partner that owns the namespace the path leads to.
    pub fn nearest(&self) -> Option<&Arc<Partner>> {
        self.top_first.last()
    }

    /// The nearest partner's domain, of those that have one.
    pub fn domain(&self) -> Option<&str> {
        self.nearest_first()
            .find_map(|partner| partner.spec.domain.as_deref())
    }

    /// A customer default: the nearest partner's, of those that set it.
    pub fn default<'a, T>(
        &'a self,
        field: impl Fn(&'a CustomerDefaults) -> Option<T>,
    ) -> Option<T> {
        self.nearest_first()
            .find_map(|partner| partner.spec.customer_defaults.as_ref().and_then(&field))
    }

    /// The ClusterRole for the customer's own admins.
    pub fn admin_role(&self) -> Option<&str> {
        self.nearest_first()
            .find_map(|partner| partner.spec.admin_role.as_deref())
    }

    /// Whether every partner on the path offers the plan.
    ///
    /// # Errors
    /// The name of the partner nearest to the top that does not.
    pub fn offers_plan(&self, plan: &str) -> Result<(), String> {
        self.offers(plan, |partner| partner.spec.plans.as_ref())
    }

    /// Whether every partner on the path offers the service.
    ///
    /// # Errors
    /// The name of the partner nearest to the top that does not.
    pub fn offers_service(&self, service: &str) -> Result<(), String> {
        self.offers(service, |partner| partner.spec.services.as_ref())
    }

    /// Whether the path says something about the plan: the nearest partner's policy names it, or another's refuses it by name.
    pub fn speaks_of_plan(&self, plan: &str) -> bool {
        self.speaks_of(plan, |partner| partner.spec.plans.as_ref())
    }

    /// Whether the path says something about the service: the nearest partner's policy names it, or another's refuses it by name.
    pub fn speaks_of_service(&self, service: &str) -> bool {
        self.speaks_of(service, |partner| partner.spec.services.as_ref())
    }

    fn speaks_of(&self, name: &str, policy: impl Fn(&Partner) -> Option<&NamePolicy>) -> bool {
        let names = |partner: &Arc<Partner>, wanted: fn(PolicyKind) -> bool| {
            policy(partner).is_some_and(|policy| {
                wanted(policy.policy) && policy.names.iter().any(|named| named == name)
            })
        };
        self.nearest()
            .is_some_and(|nearest| names(nearest, |_| true))
            || self
                .nearest_first()
                .any(|partner| names(partner, |kind| kind == PolicyKind::Except))
    }

    fn offers(
        &self,
        name: &str,
        policy: impl Fn(&Partner) -> Option<&NamePolicy>,
    ) -> Result<(), String> {
        let mut partners = self.top_first.iter();
        match partners.find(|partner| !allows(policy(partner), name)) {
            None => Ok(()),
            Some(partner) => Err(partner.name_any()),
        }
    }

    /// Whether the nearest partner that says anything of the service has front ends list it.
    pub fn visibility(&self, service: &str) -> Option<Visibility> {
        self.nearest_first().find_map(|partner| {
            let mut entries = partner.spec.visibility.iter();
            let entry = entries.find(|entry| entry.name == service)?;
            Some(entry.visibility)
        })
    }

    /// Staff bound in the nearest partner's namespace with this role: its own, and those above whose scope is the path. Each is
    /// (`Group` or `User`, name), sorted, once.
    pub fn staff(&self, role: StaffRole) -> Vec<(&'static str, String)> {
        let nearest = self.top_first.len().saturating_sub(1);
        let mut subjects: Vec<_> = self
            .top_first
            .iter()
            .enumerate()
            .flat_map(|(position, partner)| {
                partner.spec.staff.iter().filter(move |staff| {
                    staff.role == role && (position == nearest || staff.scope == StaffScope::Path)
                })
            })
            .filter_map(|staff| match (&staff.group, &staff.user) {
                (Some(group), _) => Some(("Group", group.clone())),
                (None, Some(user)) => Some(("User", user.clone())),
                (None, None) => None,
            })
            .collect();
        subjects.sort();
        subjects.dedup();
        subjects
    }
}

/// Whether a policy lets a name through. No policy is `All`.
fn allows(policy: Option<&NamePolicy>, name: &str) -> bool {
    let Some(policy) = policy else { return true };
    let listed = policy.names.iter().any(|listed| listed == name);
    match policy.policy {
        PolicyKind::All => true,
        PolicyKind::Only => listed,
        PolicyKind::Except => !listed,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::{PartnerSpec, Staff};

    fn partner(name: &str, spec: PartnerSpec) -> Arc<Partner> {
        Arc::new(Partner::new(name, spec))
    }

    fn plans(policy: PolicyKind, names: &[&str]) -> PartnerSpec {
        PartnerSpec {
            plans: Some(NamePolicy {
                policy,
                names: names.iter().map(ToString::to_string).collect(),
            }),
            ..PartnerSpec::default()
        }
    }

    #[test]
    fn nothing_below_lifts_a_ceiling() {
        let path = Lineage::new(vec![
            partner("provider", plans(PolicyKind::Only, &["small"])),
            partner("emea", plans(PolicyKind::Only, &["small", "large"])),
        ]);
        assert_eq!(path.offers_plan("small"), Ok(()));
        assert_eq!(path.offers_plan("large"), Err("provider".to_owned()));
    }

    #[test]
    fn except_lets_everything_else_through() {
        let path = Lineage::new(vec![partner(
            "provider",
            plans(PolicyKind::Except, &["large"]),
        )]);
        assert_eq!(path.offers_plan("small"), Ok(()));
        assert!(path.offers_plan("large").is_err());
    }

    #[test]
    fn what_those_above_offer_to_others_is_not_spoken_of() {
        let path = Lineage::new(vec![
            partner("provider", plans(PolicyKind::Except, &["old"])),
            partner("emea", plans(PolicyKind::Only, &["theirs", "shared"])),
            partner("dach", plans(PolicyKind::Only, &["shared", "wished"])),
        ]);
        assert!(
            ["old", "shared", "wished"]
                .iter()
                .all(|plan| path.speaks_of_plan(plan))
        );
        assert!(!path.speaks_of_plan("theirs") && !path.speaks_of_plan("unheard"));
        assert!(!path.speaks_of_service("old"));
    }

    #[test]
    fn the_nearest_domain_and_default_win() {
        let with = |domain: Option<&str>, locale: Option<&str>| PartnerSpec {
            domain: domain.map(Into::into),
            customer_defaults: Some(CustomerDefaults {
                locale: locale.map(Into::into),
                ..CustomerDefaults::default()
            }),
            ..PartnerSpec::default()
        };
        let path = Lineage::new(vec![
            partner("provider", with(Some("top.example"), Some("en"))),
            partner("emea", with(None, Some("de"))),
        ]);
        assert_eq!(path.domain(), Some("top.example"));
        assert_eq!(path.default(|d| d.locale.as_deref()), Some("de"));
    }

    #[test]
    fn staff_of_scope_own_stays_where_it_is() {
        let staff = |group: &str, scope| Staff {
            group: Some(group.into()),
            user: None,
            role: StaffRole::Seller,
            scope,
        };
        let top = PartnerSpec {
            staff: vec![
                staff("own", StaffScope::Own),
                staff("path", StaffScope::Path),
            ],
            ..PartnerSpec::default()
        };
        let provider = partner("provider", top);
        let below = Lineage::new(vec![
            provider.clone(),
            partner("emea", PartnerSpec::default()),
        ]);
        assert_eq!(
            below.staff(StaffRole::Seller),
            [("Group", "path".to_owned())]
        );
        assert_eq!(
            Lineage::new(vec![provider]).staff(StaffRole::Seller).len(),
            2
        );
        assert!(below.staff(StaffRole::Support).is_empty());
    }
}

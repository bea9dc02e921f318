//! Names that Clientele writes on, or reads from, the metadata of objects.
//!
//! Every label, annotation, finalizer and fixed object name is spelled here once. What a key means, and who
//! may write it, stands beside it; how it is used is decided elsewhere.

/// The API group of all kinds.
pub const GROUP: &str = "clientele.dev";
/// The version of all kinds.
pub const VERSION: &str = "v1alpha1";
/// Server-side apply field manager of the operator.
pub const FIELD_MANAGER: &str = "clientele";
/// Prefix of the field manager that applies the objects of one service: `clientele-service-<offering>`.
pub const SERVICE_MANAGER_PREFIX: &str = "clientele-service-";
/// Field manager that keeps the workloads of a stopped service from running.
pub const STOP_MANAGER: &str = "clientele-stop";

/// Namespace the operator runs in.
pub const SYSTEM_NAMESPACE: &str = "clientele-system";
/// Namespace of the top-level partners (the providers); the operator makes it.
pub const PARTNERS_NAMESPACE: &str = "clientele-partners";
/// Prefix of a partner's own namespace: `partner-<name>`.
pub const PARTNER_NAMESPACE_PREFIX: &str = "partner-";
/// What stands between partner and customer in the name of a tenant namespace: `<partner>--<customer>`.
pub const TENANT_SEPARATOR: &str = "--";

/// Label on namespaces: [`TYPE_PARTNER`] or [`TYPE_TENANT`].
pub const LABEL_TYPE: &str = "clientele.dev/type";
/// Value of [`LABEL_TYPE`] on a partner's own namespace.
pub const TYPE_PARTNER: &str = "partner";
/// Value of [`LABEL_TYPE`] on a tenant namespace.
pub const TYPE_TENANT: &str = "tenant";
/// Label: name of the partner that owns a namespace, or in whose tenant or namespace an object is.
pub const LABEL_PARTNER: &str = "clientele.dev/partner";
/// Label on partner namespaces: the namespace of the Partner object.
pub const LABEL_PARENT: &str = "clientele.dev/parent";
/// Label: name of the Customer a tenant namespace, or an object in it, belongs to.
pub const LABEL_CUSTOMER: &str = "clientele.dev/customer";
/// Label: UID of the Customer a tenant namespace, or an object in it, belongs to.
pub const LABEL_CUSTOMER_UID: &str = "clientele.dev/customer-uid";
/// Label on tenant namespaces: the access level (`Open`, `Locked`, `Stopped`), which policies read.
pub const LABEL_ACCESS: &str = "clientele.dev/access";
/// Label on the objects of a service in a tenant namespace: name of the ServiceOffering.
pub const LABEL_SERVICE: &str = "clientele.dev/service";
/// Label on the Service that names the next hop of a mail route: name of the PostalRoute.
pub const LABEL_ROUTE: &str = "clientele.dev/route";
/// Label on ClusterRoles whose rules the operator is to have for services; its value is `true`.
pub const LABEL_AGGREGATE: &str = "clientele.dev/aggregate-to-services";
/// Label on tenant namespaces whose Customer is gone; its value is `true`.
pub const LABEL_RETAINED: &str = "clientele.dev/retained";
/// Label on everything the operator makes; its value is [`MANAGED_BY`].
pub const LABEL_MANAGED_BY: &str = "app.kubernetes.io/managed-by";
/// Value of [`LABEL_MANAGED_BY`].
pub const MANAGED_BY: &str = "clientele";

/// Annotation on tenant namespaces: the customer number, once given for good.
pub const ANNOTATION_CUSTOMER_NUMBER: &str = "clientele.dev/customer-number";
/// Annotation on tenant namespaces: when the customer was first made (RFC 3339, UTC).
pub const ANNOTATION_CUSTOMER_SINCE: &str = "clientele.dev/customer-since";
/// Annotation on tenant namespaces: the contact e-mail, by which a retained tenant is known again.
pub const ANNOTATION_CONTACT_EMAIL: &str = "clientele.dev/contact-email";
/// Annotation on tenant namespaces: the plan in force, which stays when it is no longer offered.
pub const ANNOTATION_PLAN: &str = "clientele.dev/plan";
/// Annotation on tenant namespaces: the postal routes in force, as `namespace/name`, comma separated; they stay when they are no
/// longer inheritable.
pub const ANNOTATION_POSTAL_ROUTES: &str = "clientele.dev/postal-routes";
/// Annotation on tenant namespaces: the partner's defaults that are taken once (JSON).
pub const ANNOTATION_DEFAULTS_TAKEN: &str = "clientele.dev/defaults-taken";
/// Annotation on tenant namespaces: when the customer's trial began (RFC 3339, UTC); there is no second one.
pub const ANNOTATION_TRIAL_BEGAN: &str = "clientele.dev/trial-began";
/// Annotation on stopped tenant namespaces: `true` once the pods are deleted that were there when the quota closed.
pub const ANNOTATION_EMPTIED: &str = "clientele.dev/emptied";
/// Annotation on tenant namespaces: which services were used, and the objects that were made for them (JSON).
pub const ANNOTATION_SERVICES: &str = "clientele.dev/services";
/// Annotation on tenant namespaces: the SMTP login that was made (JSON), its password apart.
pub const ANNOTATION_SMTP_LOGIN: &str = "clientele.dev/smtp-login";
/// Annotation on the objects of a service: what they were rendered as, and what the API server made of it.
pub const ANNOTATION_SEAL: &str = "clientele.dev/seal";
/// Annotation on tenant namespaces: storage classes the plan allows, comma separated; absent: any.
pub const ANNOTATION_STORAGE_CLASSES: &str = "clientele.dev/storage-classes";
/// Annotation on tenant namespaces: which hosts ingresses may use (`Customer`, `Any`, `None`).
pub const ANNOTATION_INGRESS_DOMAINS: &str = "clientele.dev/ingress-domains";
/// Annotation on tenant namespaces: the domain under which ingress hosts may be.
pub const ANNOTATION_INGRESS_DOMAIN: &str = "clientele.dev/ingress-domain";
/// Annotation on tenant namespaces: which labels and annotations the plan has put there (JSON).
pub const ANNOTATION_PLAN_METADATA: &str = "clientele.dev/plan-metadata";
/// Annotation on tenant namespaces: name of the DeletionRequest that the customer's deletion hangs on.
pub const ANNOTATION_DELETION_REQUEST: &str = "clientele.dev/deletion-request";
/// Annotation on tenant namespaces: UID of the DeletionRequest that has come to Purging; the operator deletes no other namespace.
pub const ANNOTATION_PURGE: &str = "clientele.dev/purge";
/// Annotation on partner namespaces: UID of the Partner.
pub const ANNOTATION_PARTNER_UID: &str = "clientele.dev/partner-uid";

/// Annotation on DeletionRequests, stamped at admission: who filed it.
pub const ANNOTATION_REQUESTED_BY: &str = "clientele.dev/requested-by";
/// Annotation on DeletionRequests, stamped at admission: `true` if who filed it has the verb `purge`, else absent.
pub const ANNOTATION_MAY_PURGE: &str = "clientele.dev/may-purge";
/// Annotation on DeletionRequests, stamped at admission: who cancelled it.
pub const ANNOTATION_CANCELLED_BY: &str = "clientele.dev/cancelled-by";
/// Annotation on DeletionRequests, stamped at admission: who set mode Now.
pub const ANNOTATION_PURGED_BY: &str = "clientele.dev/purged-by";
/// Annotation on DeletionRequests that the operator filed: what for ([`SOURCE_SPEC`], [`SOURCE_DELETED`], [`SOURCE_FORM`]).
pub const ANNOTATION_SOURCE: &str = "clientele.dev/source";
/// Value of [`ANNOTATION_SOURCE`]: the Customer asks for it (`spec.deletion.requested`).
pub const SOURCE_SPEC: &str = "Spec";
/// Value of [`ANNOTATION_SOURCE`]: the Customer was deleted.
pub const SOURCE_DELETED: &str = "Deleted";
/// Value of [`ANNOTATION_SOURCE`]: a DeletionRequest in the tenant namespace asks for it.
pub const SOURCE_FORM: &str = "Form";
/// Annotation on DeletionRequests that the operator filed for a form: the form's UID.
pub const ANNOTATION_FORM_UID: &str = "clientele.dev/form-uid";
/// Annotation on DeletionRequests that the operator filed for a deleted Customer: that Customer (JSON); gone when it is over.
pub const ANNOTATION_CUSTOMER_SNAPSHOT: &str = "clientele.dev/customer-snapshot";

/// Annotation on Customers, stamped at admission: who asked for the deletion in the spec.
pub const ANNOTATION_WISHED_BY: &str = "clientele.dev/deletion-requested-by";
/// Annotation on Customers, stamped at admission: who took that back in the spec.
pub const ANNOTATION_WITHDRAWN_BY: &str = "clientele.dev/deletion-withdrawn-by";

/// Annotation a person may set on a Customer or Partner: `true` means change nothing.
pub const ANNOTATION_PAUSED: &str = "clientele.dev/paused";
/// Annotation a person may set: any new value means do it now.
pub const ANNOTATION_RECONCILE_AT: &str = "clientele.dev/reconcile-at";
/// Annotation a person may set on a Customer: UID of the retained tenant it takes over.
pub const ANNOTATION_ADOPT_RETAINED: &str = "clientele.dev/adopt-retained";
/// Annotation a person may set on a Customer: any new value means another SMTP password, once.
pub const ANNOTATION_ROTATE_SMTP: &str = "clientele.dev/rotate-smtp";
/// Annotation a person may set on a namespace that is protected from deletion, or on a DeletionRequest that is held: its own name.
pub const ANNOTATION_CONFIRM_DELETE: &str = "clientele.dev/confirm-delete";

/// Annotation a person may set on a Partner that no longer offers services which many customers use: the names of those whose objects
/// may be deleted all the same, comma separated.
pub const ANNOTATION_CONFIRM_WITHDRAWAL: &str = "clientele.dev/confirm-withdrawal";

/// Finalizer on Customers.
pub const FINALIZER_TENANT: &str = "clientele.dev/tenant";
/// Finalizer on DeletionRequests.
pub const FINALIZER_DELETION: &str = "clientele.dev/deletion";
/// Finalizer on Partners.
pub const FINALIZER_PARTNER: &str = "clientele.dev/partner";

/// Type of the Secret that holds the credentials of a PostalRoute: keys `username` and `password`.
pub const SECRET_TYPE_RELAY: &str = "clientele.dev/relay";
/// Type of the Secret that holds what an SMTP login is checked against, in the partner's namespace.
pub const SECRET_TYPE_SMTP_LOGIN: &str = "clientele.dev/smtp-login";
/// Name of the Secret with a customer's SMTP login, in its tenant namespace: host, port, username and password.
pub const SMTP: &str = "smtp";
/// Prefix of that Secret's name: `smtp-<customer>`.
pub const SMTP_LOGIN_PREFIX: &str = "smtp-";
/// ClusterRole, and its RoleBinding in partner namespaces, by which the operator keeps what SMTP logins are checked against.
pub const SMTP_LOGINS_ROLE: &str = "clientele-smtp-logins";
/// ClusterRole, and its RoleBinding in tenant namespaces, by which the operator writes the Secret [`SMTP`].
pub const SMTP_ROLE: &str = "clientele-smtp";
/// Name of the Secret in a tenant namespace in which contact lists can be read; the only one that is read for lists.
pub const LISTS_SECRET: &str = "contact-lists";
/// ClusterRole, and its RoleBinding in tenant namespaces with such lists, by which the operator reads the Secret [`LISTS_SECRET`].
pub const LISTS_ROLE: &str = "clientele-contact-lists";
/// RoleBinding in tenant namespaces that have contact lists, by which the partner's staff approve them.
pub const LIST_APPROVERS: &str = "clientele-list-approvers";
/// ClusterRole by which `clientele mail` reads Secrets in partner namespaces.
pub const MAIL_SECRETS_ROLE: &str = "clientele-mail-secrets";
/// Server-side apply field manager of `clientele mail`, name of its ServiceAccount, and of its RoleBinding in partner namespaces.
pub const MAIL_MANAGER: &str = "clientele-mail";
/// Group whose members the policies let through in an emergency.
pub const BREAK_GLASS_GROUP: &str = "clientele:break-glass";

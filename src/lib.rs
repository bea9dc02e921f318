//! Clientele: customer management for Kubernetes.

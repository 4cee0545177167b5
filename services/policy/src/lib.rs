//! What is served: services, routes, credentials, limits, errors

extension AgentFile {
    /// Where the options of the command line stand in the file: section, key, and the option's name.
    static let sections: [String: [String: (option: String, kind: Kind)]] = [
        "broker": [
            "urls": ("kbs-url", .list), "certificate_file": ("kbs-cert", .text), "allow_http": ("allow-http", .flag),
            "proxy": ("proxy", .text), "no_proxy": ("no-proxy", .text),
            "connect_timeout_seconds": ("connect-timeout", .number), "timeout_seconds": ("timeout", .number),
            "return_after_seconds": ("return-after", .number),
        ],
        "attestation": [
            "allow_sample": ("allow-sample", .flag), "init_data": ("init-data", .text),
            "tee_key_algorithm": ("tee-key-algorithm", .text), "renew_on_demand": ("renew-on-demand", .flag),
            "tees": ("tee", .text), "nvidia_commands": ("nvidia-command", .list),
        ],
        "measurement": [
            "event_log": ("event-log", .flag), "event_log_register": ("event-log-register", .number),
            "releases": ("measure-releases", .flag),
        ],
        "rest": [
            "address": ("rest", .text), "socket": ("rest-socket", .text), "features": ("rest-features", .text),
            "peers": ("rest-peer", .list),
        ],
        "ttrpc": [
            "attestation_agent": ("aa-ttrpc", .text), "confidential_data_hub": ("cdh-ttrpc", .text),
            "peers": ("ttrpc-peer", .list),
        ],
        "grpc": ["attestation_agent": ("aa-grpc", .text), "confidential_data_hub": ("cdh-grpc", .text)],
        "keyprovider": [
            "address": ("keyprovider", .text), "admin_token_file": ("keyprovider-admin-token-file", .text),
            "scope": ("keyprovider-scope", .text), "key_folder": ("keyprovider-key-folder", .text),
        ],
        "files": [
            "project": ("project", .list), "allow_disk": ("allow-disk", .flag),
            "remove_at_exit": ("remove-at-exit", .flag), "once": ("once", .flag),
        ],
        "volumes": [
            "header_folder": ("volume-header-folder", .text), "allow_unsealed": ("volume-allow-unsealed", .flag),
        ],
        "offline": ["resources": ("offline-resources", .list)],
        "sealed": [
            "signing_keys": ("sealed-signing-key", .list), "signing_kids": ("sealed-signing-kid", .list),
            "accept_any_signing_key": ("sealed-accept-any-signing-key", .flag), "files": ("unseal", .list),
        ],
        "cache": ["seconds": ("cache-seconds", .number), "refusal_seconds": ("refusal-seconds", .number)],
        "log": ["level": ("log-level", .text)],
    ]

    /// The options that stand in the file.
    static var options: Set<String> { Set(sections.values.flatMap(\.values).map(\.option)) }
}

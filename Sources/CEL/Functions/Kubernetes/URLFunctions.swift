/// Kubernetes' URL library.
enum URLFunctions {
    private static let type = CELType.abstract("kubernetes.URL", [])

    static let library = FunctionLibrary(
        functions: [
            .global("url", 1...1) { (a, meter) throws(CELError) in
                let text = try text(a, "url", &meter)
                guard let locator = UniformLocator(text) else {
                    throw CELError(.invalidArgument, "\"\(text.excerpt)\" is not an absolute URL or path")
                }
                return .opaque(locator)
            },
            .global("isURL", 1...1) { (a, meter) throws(CELError) in
                .bool(UniformLocator.isValid(try text(a, "isURL", &meter)))
            },
            part("getScheme", \.scheme), part("getHost") { String(decoding: $0.host, as: UTF8.self) },
            part("getHostname", \.hostname), part("getPort", \.port), part("getEscapedPath", \.escapedPath),
            .receiver("getQuery", 1...1, query),
        ],
        declarations: [
            "url": [.global(.string, to: type)], "isURL": [.global(.string, to: .bool)],
            "getScheme": [.receiver(type, to: .string)], "getHost": [.receiver(type, to: .string)],
            "getHostname": [.receiver(type, to: .string)], "getPort": [.receiver(type, to: .string)],
            "getEscapedPath": [.receiver(type, to: .string)],
            "getQuery": [.receiver(type, to: .map(.string, .list(.string)))],
        ], types: [type])

    private static func text(
        _ arguments: [CELValue], _ name: String, _ meter: inout CostMeter
    ) throws(CELError) -> String {
        let text = try arguments.string(0, of: name)
        try meter.charge(bytes: 8 * text.utf8.count)
        return text
    }

    private static func part(
        _ name: String, _ part: @escaping @Sendable (UniformLocator) -> String
    ) -> NativeFunction {
        .receiver(name, 1...1) { (a, meter) throws(CELError) in
            let locator: UniformLocator = try a.opaque(0, of: name)
            let text = part(locator)
            try meter.charge(bytes: 4 * text.utf8.count)
            return .string(text)
        }
    }

    @Sendable private static func query(
        _ arguments: [CELValue], _ meter: inout CostMeter
    ) throws(CELError) -> CELValue {
        let locator: UniformLocator = try arguments.opaque(0, of: "getQuery")
        try meter.charge(bytes: 8 * locator.querySize)
        var map = CELMap()
        for (name, values) in locator.query {
            try meter.charge(1 + values.count)
            map.insert(.list(values.map(CELValue.string)), for: .string(name))
        }
        return .map(map)
    }
}

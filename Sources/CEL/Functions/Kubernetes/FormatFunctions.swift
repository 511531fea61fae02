/// Kubernetes' format library: named formats of strings.
enum FormatFunctions {
    private static let type = CELType.abstract("kubernetes.NamedFormat", [])

    static let library = FunctionLibrary(
        functions: [
            .global("format.named", 1...1) { (a, _) throws(CELError) in
                let format = NamedFormat(rawValue: try a.string(0, of: "format.named"))
                return .optional(format.map { .opaque($0) })
            },
            .receiver("validate", 2...2) { (a, meter) throws(CELError) in
                let format: NamedFormat = try a.opaque(0, of: "validate")
                let text = try a.string(1, of: "validate")
                try meter.charge(1 + text.utf8.count)
                return .optional(format.fault(of: text).map { .list([.string($0)]) })
            },
        ]
            + NamedFormat.allCases.map { format in
                .global("format.\(format.rawValue)", 0...0) { (_, _) throws(CELError) in .opaque(format) }
            },
        declarations: [
            "format.named": [.global(.string, to: .optional(type))],
            "validate": [.receiver(type, .string, to: .optional(.list(.string)))],
        ].merging(NamedFormat.allCases.map { ("format.\($0.rawValue)", [.global(to: type)]) }) { first, _ in first },
        types: [type])
}

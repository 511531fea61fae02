/// Kubernetes' semver library.
enum SemverFunctions {
    private static let type = CELType.abstract("kubernetes.Semver", [])

    static let library = FunctionLibrary(
        functions: [
            .global("semver", 1...2) { (a, meter) throws(CELError) in
                guard let version = try parsed(a, "semver", &meter) else {
                    let text = try a.string(0, of: "semver").excerpt
                    throw CELError(.invalidArgument, "\"\(text)\" is not a version such as 1.2.3")
                }
                return .opaque(version)
            },
            .global("isSemver", 1...2) { (a, meter) throws(CELError) in
                .bool(try parsed(a, "isSemver", &meter) != nil)
            },
            part("major", \.major), part("minor", \.minor), part("patch", \.patch),
            comparison("compareTo") { .int($0) }, comparison("isLessThan") { .bool($0 < 0) },
            comparison("isGreaterThan") { .bool($0 > 0) },
        ],
        declarations: [
            "semver": [.global(.string, to: type), .global(.string, .bool, to: type)],
            "isSemver": [.global(.string, to: .bool), .global(.string, .bool, to: .bool)],
            "major": [.receiver(type, to: .int)], "minor": [.receiver(type, to: .int)],
            "patch": [.receiver(type, to: .int)], "compareTo": [.receiver(type, type, to: .int)],
            "isLessThan": [.receiver(type, type, to: .bool)], "isGreaterThan": [.receiver(type, type, to: .bool)],
        ], types: [type])

    private static func parsed(
        _ arguments: [CELValue], _ name: String, _ meter: inout CostMeter
    ) throws(CELError) -> SemanticVersion? {
        let isNormalizing = arguments.count > 1 ? try arguments.bool(1, of: name) : false
        let text = try arguments.string(0, of: name)
        try meter.charge(1 + text.utf8.count / 4)
        return SemanticVersion(text, isNormalizing: isNormalizing)
    }

    private static func part(
        _ name: String, _ part: @escaping @Sendable (SemanticVersion) -> UInt64
    ) -> NativeFunction {
        .receiver(name, 1...1) { (a, _) throws(CELError) in
            guard let number = Int64(exactly: part(try version(a, 0, name))) else {
                throw CELError(.overflow, "the number is outside the range of int")
            }
            return .int(number)
        }
    }

    private static func comparison(
        _ name: String, _ result: @escaping @Sendable (Int64) -> CELValue
    ) -> NativeFunction {
        .receiver(name, 2...2, on: .opaque(SemanticVersion.self)) { (a, _) throws(CELError) in
            result(try version(a, 0, name).order(try version(a, 1, name)))
        }
    }

    private static func version(
        _ arguments: [CELValue], _ index: Int, _ name: String
    ) throws(CELError) -> SemanticVersion {
        try arguments.opaque(index, of: name)
    }
}

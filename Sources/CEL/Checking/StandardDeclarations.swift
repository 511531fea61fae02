/// The signatures of the operators and of every library function.
enum StandardDeclarations {
    typealias Overload = CELFunctionDeclaration.Overload

    static let overloads: [String: [Overload]] = FunctionLibrary.all.reduce(
        operators.merging(functions) { first, _ in first }
    ) { table, library in table.merging(library.declarations) { $0 + $1 } }

    private static let a = CELType.parameter("A")
    private static let b = CELType.parameter("B")
    private static let ip = CELType.abstract("net.IP", [])
    private static let cidr = CELType.abstract("net.CIDR", [])
    private static let numbers: [CELType] = [.int, .uint, .double]

    private static func global(_ parameters: CELType..., to result: CELType) -> Overload {
        Overload(parameters, result)
    }

    private static func receiver(_ parameters: CELType..., to result: CELType) -> Overload {
        Overload(parameters, result, isReceiver: true)
    }

    // MARK: operators

    private static let operators: [String: [Overload]] = {
        var table: [String: [Overload]] = [
            "_==_": [global(a, a, to: .bool)], "_!=_": [global(a, a, to: .bool)],
            "@in": [global(a, .list(a), to: .bool), global(a, .map(a, b), to: .bool)],
            "-_": [global(.int, to: .int), global(.double, to: .double)],
            "_[_]": [
                global(.list(a), .int, to: a), global(.map(a, b), a, to: b),
                global(.optional(.list(a)), .int, to: .optional(a)),
                global(.optional(.map(a, b)), a, to: .optional(b)),
            ],
            "_[?_]": [
                global(.list(a), .int, to: .optional(a)), global(.map(a, b), a, to: .optional(b)),
                global(.optional(.list(a)), .int, to: .optional(a)),
                global(.optional(.map(a, b)), a, to: .optional(b)),
            ],
            "_?_:_": [global(.bool, a, a, to: a)],
            "_+_": arithmetic + [
                global(.string, .string, to: .string), global(.bytes, .bytes, to: .bytes),
                global(.list(a), .list(a), to: .list(a)), global(.timestamp, .duration, to: .timestamp),
                global(.duration, .timestamp, to: .timestamp), global(.duration, .duration, to: .duration),
            ],
            "_-_": arithmetic + [
                global(.timestamp, .timestamp, to: .duration), global(.timestamp, .duration, to: .timestamp),
                global(.duration, .duration, to: .duration),
            ],
            "_*_": arithmetic, "_/_": arithmetic,
            "_%_": [global(.int, .int, to: .int), global(.uint, .uint, to: .uint)],
        ]
        for name in ["_<_", "_<=_", "_>_", "_>=_"] { table[name] = orders }
        return table
    }()

    private static let arithmetic = numbers.map { global($0, $0, to: $0) }

    private static let orders: [Overload] =
        [.bool, .string, .bytes, .timestamp, .duration].map { global($0, $0, to: .bool) }
        + numbers.flatMap { left in numbers.map { global(left, $0, to: .bool) } }

    // MARK: functions

    private static let functions: [String: [Overload]] =
        conversions.merging(strings) { first, _ in first }
        .merging(times) { first, _ in first }
        .merging(mathematics) { first, _ in first }
        .merging(optionals) { first, _ in first }
        .merging(networks) { first, _ in first }

    private static let conversions: [String: [Overload]] = [
        "int": from([.int, .uint, .double, .string, .timestamp], to: .int),
        "uint": from([.uint, .int, .double, .string], to: .uint),
        "double": from([.double, .int, .uint, .string], to: .double),
        "bool": from([.bool, .string], to: .bool),
        "string": from([.string, .bool, .int, .uint, .double, .bytes, .duration, .timestamp, ip, cidr], to: .string),
        "bytes": from([.bytes, .string], to: .bytes),
        "duration": from([.duration, .string], to: .duration),
        "timestamp": from([.timestamp, .int, .string], to: .timestamp),
        "type": [global(a, to: .type(a))], "dyn": [global(a, to: .dyn)],
        "size": sizes(isReceiver: false) + sizes(isReceiver: true),
        "base64.encode": [global(.bytes, to: .string)], "base64.decode": [global(.string, to: .bytes)],
    ]

    private static func from(_ types: [CELType], to result: CELType) -> [Overload] {
        types.map { global($0, to: result) }
    }

    private static func sizes(isReceiver: Bool) -> [Overload] {
        [CELType.string, .bytes, .list(a), .map(a, b)].map { Overload([$0], .int, isReceiver: isReceiver) }
    }

    private static let strings: [String: [Overload]] = [
        "contains": [receiver(.string, .string, to: .bool)], "startsWith": [receiver(.string, .string, to: .bool)],
        "endsWith": [receiver(.string, .string, to: .bool)],
        "matches": [receiver(.string, .string, to: .bool), global(.string, .string, to: .bool)],
        "charAt": [receiver(.string, .int, to: .string)],
        "indexOf": [receiver(.string, .string, to: .int), receiver(.string, .string, .int, to: .int)],
        "lastIndexOf": [receiver(.string, .string, to: .int), receiver(.string, .string, .int, to: .int)],
        "substring": [receiver(.string, .int, to: .string), receiver(.string, .int, .int, to: .string)],
        "lowerAscii": [receiver(.string, to: .string)], "upperAscii": [receiver(.string, to: .string)],
        "trim": [receiver(.string, to: .string)],
        "reverse": [receiver(.string, to: .string), receiver(.list(a), to: .list(a))],
        "replace": [
            receiver(.string, .string, .string, to: .string), receiver(.string, .string, .string, .int, to: .string),
        ],
        "split": [
            receiver(.string, .string, to: .list(.string)), receiver(.string, .string, .int, to: .list(.string)),
        ],
        "join": [receiver(.list(.string), to: .string), receiver(.list(.string), .string, to: .string)],
        "format": [receiver(.string, .list(.dyn), to: .string)], "strings.quote": [global(.string, to: .string)],
    ]

    private static let times: [String: [Overload]] = {
        var table: [String: [Overload]] = [:]
        for name in ["getFullYear", "getMonth", "getDate", "getDayOfMonth", "getDayOfWeek", "getDayOfYear"] {
            table[name] = [receiver(.timestamp, to: .int), receiver(.timestamp, .string, to: .int)]
        }
        for name in ["getHours", "getMinutes", "getSeconds", "getMilliseconds"] {
            table[name] = [
                receiver(.timestamp, to: .int), receiver(.timestamp, .string, to: .int), receiver(.duration, to: .int),
            ]
        }
        return table
    }()

    private static let mathematics: [String: [Overload]] = {
        var table: [String: [Overload]] = [:]
        for name in ["ceil", "floor", "round", "trunc"] { table["math.\(name)"] = [global(.double, to: .double)] }
        for name in ["isNaN", "isInf", "isFinite"] { table["math.\(name)"] = [global(.double, to: .bool)] }
        for name in ["abs", "sign"] { table["math.\(name)"] = numbers.map { global($0, to: $0) } }
        for name in ["bitAnd", "bitOr", "bitXor"] {
            table["math.\(name)"] = [global(.int, .int, to: .int), global(.uint, .uint, to: .uint)]
        }
        for name in ["bitShiftLeft", "bitShiftRight"] {
            table["math.\(name)"] = [global(.int, .int, to: .int), global(.uint, .int, to: .uint)]
        }
        table["math.bitNot"] = [global(.int, to: .int), global(.uint, to: .uint)]
        table["math.sqrt"] = from(numbers, to: .double)
        return table
    }()

    private static let optionals: [String: [Overload]] = [
        "optional.none": [global(to: .optional(a))], "optional.of": [global(a, to: .optional(a))],
        "optional.ofNonZeroValue": [global(a, to: .optional(a))],
        "optional.unwrap": [global(.list(.optional(a)), to: .list(a))],
        "unwrapOpt": [receiver(.list(.optional(a)), to: .list(a))],
        "hasValue": [receiver(.optional(a), to: .bool)], "value": [receiver(.optional(a), to: a)],
        "or": [receiver(.optional(a), .optional(a), to: .optional(a))],
        "orValue": [receiver(.optional(a), a, to: a)],
        "first": [receiver(.list(a), to: .optional(a))], "last": [receiver(.list(a), to: .optional(a))],
    ]

    private static let networks: [String: [Overload]] = {
        var table: [String: [Overload]] = [
            "ip": [global(.string, to: ip), receiver(cidr, to: ip)], "cidr": [global(.string, to: cidr)],
            "isIP": [global(.string, to: .bool)], "isCIDR": [global(.string, to: .bool)],
            "ip.isCanonical": [global(.string, to: .bool)], "family": [receiver(ip, to: .int)],
            "containsIP": [receiver(cidr, .string, to: .bool), receiver(cidr, ip, to: .bool)],
            "containsCIDR": [receiver(cidr, .string, to: .bool), receiver(cidr, cidr, to: .bool)],
            "masked": [receiver(cidr, to: cidr)], "prefixLength": [receiver(cidr, to: .int)],
        ]
        let tests = [
            "isUnspecified", "isLoopback", "isGlobalUnicast", "isLinkLocalMulticast", "isLinkLocalUnicast",
        ]
        for name in tests { table[name] = [receiver(ip, to: .bool)] }
        return table
    }()
}

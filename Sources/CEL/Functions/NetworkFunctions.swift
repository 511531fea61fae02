/// IP addresses and CIDR blocks, as Kubernetes defines them.
enum NetworkFunctions {
    static let functions: [NativeFunction] = [
        .global("ip", 1...1) { (a, _) throws(CELError) in .opaque(try address(parsing: try text(a, 0, "ip"))) },
        .global("cidr", 1...1) { (a, _) throws(CELError) in .opaque(try block(parsing: try text(a, 0, "cidr"))) },
        .global("isIP", 1...1) { (a, _) throws(CELError) in
            let text = try text(a, 0, "isIP")
            return .bool((try? IPAddress.parse(text).get()) != nil)
        },
        .global("isCIDR", 1...1) { (a, _) throws(CELError) in
            let text = try text(a, 0, "isCIDR")
            return .bool((try? CIDRBlock.parse(text).get()) != nil)
        },
        .global("ip.isCanonical", 1...1) { (a, _) throws(CELError) in
            let text = try text(a, 0, "ip.isCanonical")
            return .bool(ExactText.equal(try address(parsing: text).text, text))
        },
        test("isUnspecified", \.isUnspecified), test("isLoopback", \.isLoopback),
        test("isGlobalUnicast", \.isGlobalUnicast), test("isLinkLocalMulticast", \.isLinkLocalMulticast),
        test("isLinkLocalUnicast", \.isLinkLocalUnicast),
        .receiver("family", 1...1) { (a, _) throws(CELError) in .int(Int64(try address(a, "family").family)) },
        .receiver("containsIP", 2...2, containsIP), .receiver("containsCIDR", 2...2, containsCIDR),
        .receiver("masked", 1...1) { (a, _) throws(CELError) in .opaque(try block(a, "masked").masked) },
        .receiver("ip", 1...1) { (a, _) throws(CELError) in .opaque(try block(a, "ip").address) },
        .receiver("prefixLength", 1...1) { (a, _) throws(CELError) in
            .int(Int64(try block(a, "prefixLength").prefixLength))
        },
    ]

    private static func test(
        _ name: String, _ property: @escaping @Sendable (IPAddress) -> Bool
    ) -> NativeFunction {
        .receiver(name, 1...1) { (a, _) throws(CELError) in .bool(property(try address(a, name))) }
    }

    @Sendable private static func containsIP(
        _ arguments: [CELValue], _: inout CostMeter
    ) throws(CELError) -> CELValue {
        let block = try block(arguments, "containsIP")
        switch arguments[1] {
        case .string(let text): return .bool(block.contains(try address(parsing: text)))
        case .opaque(let value as IPAddress): return .bool(block.contains(value))
        default: throw CELError.noSuchOverload("containsIP", arguments)
        }
    }

    @Sendable private static func containsCIDR(
        _ arguments: [CELValue], _: inout CostMeter
    ) throws(CELError) -> CELValue {
        let outer = try block(arguments, "containsCIDR")
        switch arguments[1] {
        case .string(let text): return .bool(outer.contains(try block(parsing: text)))
        case .opaque(let value as CIDRBlock): return .bool(outer.contains(value))
        default: throw CELError.noSuchOverload("containsCIDR", arguments)
        }
    }

    // MARK: arguments

    private static func text(_ arguments: [CELValue], _ index: Int, _ name: String) throws(CELError) -> String {
        guard case .string(let text) = arguments[index] else { throw CELError.noSuchOverload(name, arguments) }
        // No address is longer; the bound keeps the work of a call constant.
        guard text.utf8.count <= 128 else { throw CELError(.invalidArgument, "the address is too long") }
        return text
    }

    private static func address(_ arguments: [CELValue], _ name: String) throws(CELError) -> IPAddress {
        guard case .opaque(let value as IPAddress) = arguments[0] else {
            throw CELError.noSuchOverload(name, arguments)
        }
        return value
    }

    private static func block(_ arguments: [CELValue], _ name: String) throws(CELError) -> CIDRBlock {
        guard case .opaque(let value as CIDRBlock) = arguments[0] else {
            throw CELError.noSuchOverload(name, arguments)
        }
        return value
    }

    private static func address(parsing text: String) throws(CELError) -> IPAddress {
        switch IPAddress.parse(text) {
        case .success(let address): return address
        case .failure(.zone): throw CELError(.invalidArgument, "an IP address with a zone is not allowed")
        case .failure(.mapped): throw CELError(.invalidArgument, "an IPv4-mapped IPv6 address is not allowed")
        case .failure(.malformed):
            throw CELError(.invalidArgument, "\"\(text.excerpt)\" is not an IP address")
        }
    }

    private static func block(parsing text: String) throws(CELError) -> CIDRBlock {
        switch CIDRBlock.parse(text) {
        case .success(let block): return block
        case .failure(.zone): throw CELError(.invalidArgument, "a CIDR block with a zone is not allowed")
        case .failure(.mapped): throw CELError(.invalidArgument, "an IPv4-mapped IPv6 address is not allowed")
        case .failure(.malformed):
            throw CELError(.invalidArgument, "\"\(text.excerpt)\" is not a CIDR block")
        }
    }
}

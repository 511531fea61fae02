import Encodings
import Testing

@testable import CEL

@Suite("CEL declared objects")
struct CELObjectTypeTests {
    private static let snp = CELObjectType(
        name: "claims.snp",
        fields: [
            "policy_debug_allowed": .init(.bool, description: "Whether the guest may be debugged."),
            "policy_smt_allowed": .init(.bool), "reported_tcb_snp": .init(.int), "measurement": .init(.string),
            "load": .init(.double), "serial": .init(.wrapper(.string)),
        ])
    private static let claims = CELObjectType(
        name: "claims",
        fields: [
            "snp": .object(snp), "digests": .list(.string), "labels": .map(.string, .string),
            "runtime": .object(CELObjectType(name: "claims.runtime", fields: ["nonce": .string], isOpen: true)),
            "devices": .map(.string, .object(CELObjectType(name: "device", fields: ["svn": .int]))),
        ])
    private static let environment = CELEnvironment(variables: ["claims": .object(claims), "tee": .string])

    private func error(_ source: String) -> CELError? {
        do throws(CELError) {
            _ = try CELProgram(source, environment: Self.environment)
            return nil
        } catch {
            return error
        }
    }

    @Test(
        "a field that an object does not have is refused with its place and what may have been meant",
        arguments: [
            ("claims.snp.polcy_debug_allowed", 11, "claims.snp", ["policy_debug_allowed", "policy_smt_allowed"]),
            ("tee != 'snp' ||\n claims.snp.measurment == 'a'", 12, "claims.snp", ["measurement"]),
            ("claims['spn']", 8, "claims", ["snp"]), ("has(claims.tdx)", 11, "claims", []),
            ("claims.?snp.?serail", 12, "claims.snp", ["serial"]),
            ("claims.devices['gpu0'].svm", 23, "device", ["svn"]),
            ("claims.devices.all(k, d, d.sv == 1)", 27, "device", ["svn"]),
            ("cel.bind(c, claims.snp, c.xyz)", 26, "claims.snp", []),
        ])
    func unknownFields(source: String, column: Int, owner: String, nearest: [String]) throws {
        let found = try #require(error(source), "\(source)")
        #expect(found.code == "unknown_field", "\(found)")
        #expect(found.column == column, "\(found)")
        #expect(found.unknownName?.owner == owner)
        #expect(found.unknownName?.nearest == nearest)
    }

    @Test("an unknown variable or function names what resembles it")
    func unknownNames() throws {
        #expect(try #require(error("clams.snp")).unknownName?.nearest == ["claims"])
        #expect(try #require(error("tee.startWith('s')")).unknownName?.nearest.first == "startsWith")
        #expect(try #require(error("qauntity('1')")).unknownName?.nearest == ["quantity"])
        #expect(try #require(error("a + 1")).unknownName?.nearest == [])
    }

    @Test(
        "a claim is compared with values of its own type alone",
        arguments: [
            "claims.snp.reported_tcb_snp == '22'", "claims.snp.reported_tcb_snp >= '22'",
            "claims.snp.reported_tcb_snp == 22.0", "claims.snp.policy_debug_allowed == 'false'",
            "claims.snp.policy_debug_allowed == 0", "claims.snp.measurement == b'00'",
            "claims.snp.measurement in [1, 2]",
            "claims.digests == 'a'", "claims.digests.exists(d, d == 1)", "claims.labels['a'] == true",
            "claims.snp == 'a'", "!claims.snp.reported_tcb_snp", "claims.snp.measurement && true",
            "claims.snp.load == 22", "claims.snp.serial == 1",
        ])
    func mismatches(source: String) throws {
        #expect(try #require(error(source), "\(source)").code == "no_such_overload")
    }

    @Test(
        "what the types allow compiles",
        arguments: [
            "claims.snp.reported_tcb_snp >= 22", "claims.snp.reported_tcb_snp == 22",
            "claims.snp.reported_tcb_snp > 21.5", "claims.snp.reported_tcb_snp + 1 > 2",
            "claims.snp.reported_tcb_snp in [22, 23]", "claims.snp.load == 22.0 && claims.snp.load >= 22",
            "claims.snp.serial == null || claims.snp.serial == 'a'", "claims.snp == null", "claims.snp == claims.snp",
            "claims.runtime.anything.at.all == 1", "claims.runtime['tee-pubkey'].kty == 'EC'",
            "claims.digests[0] == 'a'", "claims.labels.env == 'x'", "claims.devices.all(k, d, d.svn >= 1)",
            "claims.devices['gpu0'].svn >= 1", "has(claims.snp) && has(claims.snp.measurement)",
            "claims.?snp.?measurement.orValue('') == 'a'", "'snp' in claims", "size(claims) > 0",
            "[claims.snp, {'a': 1}][0].anything == 1", "claims[tee] != null",
        ])
    func matches(source: String) { #expect(error(source) == nil) }

    @Test("declared types are types of the checker: fields of JSON are looked up as they are")
    func evaluation() throws {
        let json: JSONValue = [
            "snp": ["reported_tcb_snp": 22, "load": 22, "measurement": "00"], "digests": ["a", "b"],
        ]
        func value(_ source: String) throws -> CELValue {
            try CELProgram(source, environment: Self.environment).evaluate(["claims": CELValue(json), "tee": "snp"])
        }
        #expect(try value("claims.snp.reported_tcb_snp >= 22 && claims.snp.load == 22.0") == true)
        #expect(try value("'b' in claims.digests && claims.digests.size() == 2") == true)
        #expect(try value("has(claims.snp.serial) || has(claims.labels)") == false)
        #expect(try value("claims.?snp.?serial.hasValue()") == false)
        #expect(try value("claims.snp.all(k, k in ['reported_tcb_snp', 'load', 'measurement'])") == true)
        #expect(try value("claims.snp == {'load': 22, 'measurement': '00', 'reported_tcb_snp': 22}") == true)
        let missing = #expect(throws: CELError.self) { try value("claims.snp.policy_debug_allowed == false") }
        #expect(missing?.code == "no_such_key")
    }

    @Test("the types of fields are the types of expressions")
    func resultTypes() throws {
        func type(_ source: String) throws -> CELType {
            try CELProgram(source, environment: Self.environment).resultType
        }
        #expect(try type("claims.snp.reported_tcb_snp") == .int)
        #expect(try type("claims.runtime.nonce") == .string)
        #expect(try type("claims.runtime.other") == .dyn)
        #expect(try type("claims.?snp.?measurement") == .optional(.string))
        #expect(try type("claims.devices.map(k, claims.devices[k].svn)") == .list(.int))
        #expect(Self.snp.fields["policy_debug_allowed"]?.description == "Whether the guest may be debugged.")
    }

    @Test("A36: what is made from JSON again and again is paid for again and again")
    func jsonCosts() throws {
        let nested = JSONValue.array(Array(repeating: .array(Array(repeating: 1, count: 100)), count: 100))
        let variables: [String: CELValue] = [
            "c": CELValue(["list": nested, "object": ["list": nested, "a": 1]]),
            "xs": .list(Array(repeating: 1, count: 500)),
        ]
        func code(_ source: String) -> String? {
            do throws(CELError) {
                let environment = CELEnvironment(variableNames: ["c", "xs"])
                _ = try CELProgram(source, environment: environment).evaluate(variables, costLimit: 50_000)
                return nil
            } catch {
                return error.code
            }
        }
        for source in [
            "xs.all(x, size(c.list) == 100)", "xs.all(x, c['list'].size() == 100)", "xs.all(x, c.?list.hasValue())",
            "xs.all(x, c[?'list'].hasValue())", "xs.all(x, c.all(k, v, k != ''))", "xs.all(x, c.object != c)",
            "xs.all(x, c.object == c.object)", "xs.all(x, c.transformMap(k, v, 1).size() == 2)",
        ] {
            #expect(code(source) == "cost_exceeded", "\(source)")
        }
        #expect(code("xs.all(x, has(c.list) && 'list' in c && c.all(k, k != '') && c.object.a == 1)") == nil)
        #expect(code("size(c.list) == 100 && size(c.list[99]) == 100") == nil)
    }
}

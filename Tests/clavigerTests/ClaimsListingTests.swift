import Encodings
import Policy
import Testing

@testable import claviger

@Suite("claviger claims")
struct ClaimsListingTests {
    @Test("one kind of guest is listed with what each claim means, within the width of the terminal")
    func oneTEE() {
        for width in [80, 100, 120] {
            let text = ClaimsListing(families: [.of(.snp)], search: nil, isWhole: false).text(width: width)
            let words = text.split { $0.isWhitespace }.joined(separator: " ")
            #expect(
                words.contains("policy_debug_allowed boolean Whether the host may") && words.contains("POLICY bit 19"))
            let lines = text.split(separator: "\n")
            #expect(lines.allSatisfy { $0.count <= width && $0.last != " " })
        }
    }

    @Test("the overview counts the claims of every kind and names what stands beside them")
    func overview() {
        let text = ClaimsListing(families: ClaimFamily.all, search: nil, isWhole: true).text(width: 100)
        for family in ClaimFamily.all {
            #expect(text.contains("\(family.tee.rawValue) ") && text.contains(family.title))
        }
        for name in [
            "tee", "trust", "submods", "request", "attestation", "claims.init_data", "claims.runtime_data_claims",
        ] {
            #expect(text.contains("\n\(name) "))
        }
        #expect(!text.contains("[]"))
    }

    @Test("a search finds words in names, meanings and sources, in whatever case")
    func search() {
        func found(_ word: String) -> ClaimsListing {
            ClaimsListing(families: ClaimFamily.all, search: word, isWhole: true)
        }
        let debug = found("DEBUG").text(width: 100)
        #expect(debug.contains("policy_debug_allowed") && debug.contains("dbgstat") && debug.contains("nodbg"))
        #expect(!debug.contains("chip_id"))
        #expect(found("posture of the moon").isEmpty)
    }

    @Test("for programs each claim has its type, presence, example and source")
    func machine() throws {
        let listing = ClaimsListing(families: [.of(.azSNPvTPM)], search: "policy_debug_allowed", isWhole: false)
        let family = try #require(listing.json()["tees"]?.arrayValue?.first)
        #expect(family["expression"] == "claims['az-snp-vtpm']")
        let claim = try #require(family["claims"]?.arrayValue?.first)
        #expect(claim["path"] == "policy_debug_allowed" && claim["type"] == "text: true, false")
        #expect(claim["presence"] == "always" && claim["example"] == "false")
        #expect(claim["source"]?.stringValue?.contains("bit 19") == true)
    }

    @Test("the kind of guest is checked, and the program knows the command")
    func arguments() throws {
        #expect(throws: CommandFailure.self) { try ClaimsCommand.parse(["snpp"]).run() }
        #expect(throws: CommandFailure.self) { try ClaimsCommand.parse(["--search", "posture of the moon"]).run() }
        #expect(try ClaimsCommand.parse(["snp", "-o", "yaml"]).tee == "snp")
        #expect(try Claviger.parseAsRoot(["claims", "--markdown"]) is ClaimsCommand)
    }
}

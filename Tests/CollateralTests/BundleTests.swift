import Collateral
import Encodings
import Foundation
import JOSE
import RATS
import Testing

@Suite("Bundles of collateral", .timeLimit(.minutes(5)))
struct BundleTests {
    private let key: SigningKey

    init() throws { key = try SigningKey.generate(.es256) }

    private func exported() async throws -> CollateralBundle {
        let test = try await TestCache.make([ScriptedOrigin(.success(.plain()))])
        for name in [CollateralName.sample, .other] { _ = try await test.cache.item(name) }
        return try await test.cache.export(prefix: "")
    }

    private func code(_ body: () throws -> Void) -> String? {
        do {
            try body()
            return nil
        } catch {
            return (error as? CollateralBundleError)?.code
        }
    }

    @Test("what one site exports and signs, another without a network reads, believes and uses")
    func roundTrip() async throws {
        let file = try await exported().signed(with: key).serialized()
        let bundle = try CollateralBundle(parsing: file)
        let trusted = try TrustedSigners([key.verificationKey])
        #expect(try bundle.verify(by: trusted).map(\.thumbprint) == [key.verificationKey.thumbprint])
        let site = try await TestCache.make([]) { $0.network = false }
        let outcomes = await site.cache.take(bundle.items, by: "an operator")
        #expect(outcomes.map(\.name) == [.sample, .other])
        #expect(outcomes.allSatisfy { $0.refusal == nil })
        #expect(try await site.cache.item(.sample) == .plain())
        #expect(try await site.cache.entry(.other).source == "import scripted")
        let again = try await site.cache.export(prefix: "test/list/b")
        #expect(again.items.map(\.name) == [.other])
    }

    @Test("a signature that does not fit, none, that of a stranger, and too few are refused")
    func signatures() async throws {
        let plain = try await exported()
        let stranger = try SigningKey.generate(.es256)
        let trusted = try TrustedSigners([key.verificationKey])
        let two = try TrustedSigners([key.verificationKey, stranger.verificationKey], threshold: 2)
        let signed = try plain.signed(with: key)
        #expect(code { _ = try plain.verify(by: trusted) } == "bundle_unsigned")
        let foreign = try plain.signed(with: stranger)
        #expect(code { _ = try foreign.verify(by: trusted) } == "unknown_signer")
        #expect(code { _ = try signed.verify(by: two) } == "too_few_signers")
        #expect(try signed.signed(with: stranger).verify(by: two).count == 2)
        let text = String(decoding: signed.serialized(), as: UTF8.self)
        for (part, other) in [("scripted", "elsewhere"), ("test/list/b", "test/list/c"), ("\"AQID\"", "\"AQIE\"")] {
            #expect(text.contains(part))
            let changed = try CollateralBundle(parsing: Array(text.replacing(part, with: other).utf8))
            #expect(code { _ = try changed.verify(by: trusted) } == "invalid_signature")
        }
    }

    @Test("a signature on something else is no signature on a bundle")
    func otherType() async throws {
        let plain = try await exported()
        let trusted = try TrustedSigners([key.verificationKey])
        let payload = try plain.content.canonical()
        let foreign = try TrustedSigners.sign(payload, type: "claviger-policy-bundle+jws", with: key)
        let file: JSONValue = [
            "apiVersion": "claviger.dev/v1alpha1", "kind": "SignedCollateralBundle", "bundle": .object(plain.content),
            "signatures": [.string(foreign)],
        ]
        let bundle = try CollateralBundle(parsing: file.serialized())
        #expect(code { _ = try bundle.verify(by: trusted) } == "bundle_malformed")
    }

    @Test("an import is verified item by item, and brings no older issue in")
    func refusals() async throws {
        let test = try await TestCache.make([ScriptedOrigin(.success(.plain(sequence: 5)))])
        _ = try await test.cache.item(.sample)
        let items = [
            CollateralBundleItem(name: .sample, item: .plain(sequence: 4), source: "a"),
            CollateralBundleItem(name: .other, item: .plain(text: "forged"), source: "a"),
            CollateralBundleItem(name: CollateralName("test/list/c")!, item: .plain(), source: "a"),
            CollateralBundleItem(name: CollateralName("unheard/of")!, item: .plain(), source: "a"),
        ]
        let outcomes = await test.cache.take(items, by: "an operator")
        #expect(
            outcomes.map(\.refusal?.code) == ["collateral_rollback", "signature_invalid", nil, "collateral_unknown"])
        #expect(try await test.cache.item(.sample) == .plain(sequence: 5))
    }

    @Test(
        "what is no bundle is refused",
        arguments: [
            "", "{}", "[]",
            "{\"apiVersion\":\"claviger.dev/v1alpha1\",\"kind\":\"SignedCollateralBundle\",\"bundle\":{},\"signatures\":[]}",
        ])
    func malformed(text: String) {
        #expect(code { _ = try CollateralBundle(parsing: Array(text.utf8)) } == "bundle_malformed")
    }

    @Test("items that are not in order, or given twice, are refused")
    func order() throws {
        let item = CollateralBundleItem(name: .sample, item: .plain(), source: "a")
        #expect(throws: CollateralBundleError.self) {
            let bundle = try CollateralBundle(items: [item, item], created: noon)
            _ = try CollateralBundle(parsing: bundle.serialized())
        }
    }
}

import Encodings
import RATS
import Testing

@Suite("Annotated evidence")
struct AnnotatedEvidenceTests {
    @Test("KBS 12.4.20: claims go under the TEE, report data and init-data to the top with their plaintext")
    func tdxExample() throws {
        let claims: JSONObject = [
            "init_data": "aa", "report_data": "bb", "quote": ["body": ["mr_td": "cc"]], "tcb_status": "UpToDate",
        ]
        let evidence = annotatedEvidence(
            claims: claims, initDataClaims: ["cdh.toml": ["socket": "unix"]], runtimeDataClaims: ["nonce": "n"],
            tee: .tdx)
        #expect(
            JSONValue.object(evidence).serializedString()
                == #"{"init_data":"aa","init_data_claims":{"cdh.toml":{"socket":"unix"}},"report_data":"bb","#
                + #""runtime_data_claims":{"nonce":"n"},"tdx":{"quote":{"body":{"mr_td":"cc"}},"tcb_status":"UpToDate"}}"#
        )
    }

    @Test("KBS 12.4.20: the documented SGX token arises from its verifier's claims")
    func sgxExample() throws {
        let token = try Vectors.json("example.token.json")
        let path = "/submods/cpu0/ear.veraison.annotated-evidence"
        let expected = try #require(token[pointer: path]?.objectValue)
        var claims = try #require(expected["sgx"]?.objectValue)
        claims["init_data"] = expected["init_data"]
        claims["report_data"] = expected["report_data"]
        let evidence = annotatedEvidence(claims: claims, initDataClaims: nil, runtimeDataClaims: nil, tee: .sgx)
        #expect(evidence == expected)
    }

    @Test("a device without report data shows neither runtime nor init-data")
    func device() {
        let evidence = annotatedEvidence(
            claims: ["arch": "HOPPER"], initDataClaims: ["a": "b"], runtimeDataClaims: ["nonce": "n"], tee: .nvidia)
        #expect(evidence == ["nvidia": ["arch": "HOPPER"]])
    }

    @Test("a digest claim that is no string counts as any other claim")
    func mistyped() {
        let evidence = annotatedEvidence(
            claims: ["report_data": 7], initDataClaims: nil, runtimeDataClaims: nil, tee: .snp)
        #expect(evidence == ["snp": ["report_data": 7]])
    }
}

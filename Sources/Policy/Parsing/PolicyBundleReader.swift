/// Reads the spec of a `PolicyBundle`, and the bundle in it; whether its signatures count only a broker knows.
struct PolicyBundleReader {
    private let header: DocumentHeader

    init(_ header: DocumentHeader) {
        self.header = header
    }

    func read() -> PolicyBundleSpec? {
        guard let spec = ObjectReader(header.spec, fields: ["bundle"]), let field = spec.required("bundle"),
            let text = field.text(maximum: PolicyBundleSpec.maximumBytes)
        else { return nil }
        do throws(PolicyBundleError) {
            _ = try SignedPolicyBundle(parsing: Array(text.utf8))
            return PolicyBundleSpec(bundle: text)
        } catch {
            field.report(error.code, error.message, hint: "make one with: claviger policy sign")
            return nil
        }
    }
}

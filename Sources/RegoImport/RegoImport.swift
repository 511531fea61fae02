public import Policy
public import RATS

/// Policies that were written in Rego for Trustee, as policy documents.
///
/// Only what is understood is carried over, and what is not is said. Nothing is ever weakened: a body of `allow` with a
/// condition that has no counterpart is left out as a whole, so that what it allowed is denied.
public struct RegoImport: Sendable {
    /// The policy documents as YAML, with comments that name the lines they come from; only comments when the Rego text
    /// allows nothing.
    public let yaml: String
    /// The documents, read from the YAML.
    public let documents: [PolicyDocument]
    /// What was not carried over; empty when the documents say the same as the Rego text.
    public let losses: [RegoLoss]

    /// Translates a resource policy (`allow`) or an attestation policy (`trust_claims`).
    ///
    /// - Parameters:
    ///   - text: the Rego text, at most 256 KiB.
    ///   - source: what the text is called in comments and errors.
    ///   - name: the name of the documents; made one that Kubernetes allows.
    ///   - deviceClass: the class that an attestation policy is for; found from its name and claims when not given.
    /// - Throws: ``RegoError``: `rego_syntax` when the text cannot be read, `nothing_to_import` when it is neither.
    public init(
        _ text: String, source: String, name: String, deviceClass: DeviceClass? = nil
    ) throws(RegoError) {
        let module: RegoModule
        do throws(RegoFault) {
            module = try RegoParser.parse(text)
        } catch {
            throw RegoError("rego_syntax", source: source, line: error.line, error.message)
        }
        let isAttestation = !module.rules(named: "trust_claims").isEmpty || module.grades
        guard isAttestation || !module.rules(named: "allow").isEmpty else {
            throw RegoError(
                "nothing_to_import", source: source, line: 1,
                "There is neither a rule 'allow' nor 'trust_claims': this is no policy of a key broker.")
        }
        guard module.package == "policy" else {
            throw RegoError(
                "nothing_to_import", source: source, line: 1,
                "The package is '\(module.package)', but a broker reads nothing except 'package policy'.")
        }
        let imported: [ImportedDocument]
        if isAttestation {
            let classOfDevice = deviceClass ?? module.deviceClass(for: name)
            let translation = AppraisalTranslation(
                module, deviceClass: classOfDevice, name: PolicyBundle.appraisalPolicyName("default", classOfDevice))
            imported = translation.document.map { [$0] } ?? []
            self.init(imported, translation.losses, source: source)
        } else {
            let translation = ReleaseTranslation(module, name: Self.objectName(name))
            imported = translation.documents
            self.init(imported, translation.losses, source: source)
        }
    }

    /// Keeps the documents that hold when they are read like any other.
    private init(_ imported: [ImportedDocument], _ losses: [RegoLoss], source: String) {
        var losses = losses
        var documents: [PolicyDocument] = []
        var texts: [String] = []
        for document in imported {
            do throws(PolicyError) {
                documents += try PolicyParser.parse(document.text, source: source)
                texts.append(document.text)
            } catch {
                let reason = error.diagnostics.first.map(\.message) ?? "it is refused"
                losses.append(
                    RegoLoss(line: document.line, message: "What was made of this body was left out: \(reason)"))
            }
        }
        let title = source.map { $0.isNewline ? " " : String($0) }.joined()
        var heading = "# Imported from \(title). Look through it, and test it, before it is applied.\n"
        if texts.isEmpty { heading += "# It allows nothing, and without a policy nothing is allowed.\n" }
        yaml = heading + texts.joined(separator: "---\n")
        self.documents = documents
        self.losses = losses.sorted { ($0.line, $0.message) < ($1.line, $1.message) }
    }

    /// The nearest name that an object may have.
    private static func objectName(_ text: String) -> String {
        let allowed = text.lowercased().map { $0.isASCII && ($0.isLetter || $0.isNumber) ? $0 : "-" }
        let words = String(allowed.prefix(200)).split(separator: "-")
        return words.isEmpty ? "imported" : words.joined(separator: "-")
    }
}

extension RegoModule {
    /// Whether rules give grades under the names of trust claims, as they did before there was `trust_claims`.
    fileprivate var grades: Bool {
        rules(named: "allow").isEmpty
            && ["executables", "hardware", "configuration"].contains { !rules(named: $0).isEmpty }
    }

    /// The class that a policy called `default_gpu` is for.
    fileprivate func deviceClass(for name: String) -> DeviceClass {
        let words = name.lowercased().split { !$0.isLetter && !$0.isNumber && $0 != "-" }
        let parts = words.flatMap { $0.split(separator: "-") } + words
        return DeviceClass.allCases.first { item in parts.contains { $0 == item.rawValue } } ?? .cpu
    }
}

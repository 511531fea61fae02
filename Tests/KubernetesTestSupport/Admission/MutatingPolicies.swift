import CEL
import Encodings

/// The MutatingAdmissionPolicies of a cluster, through their bindings, as far as their mutations are JSON patches.
struct MutatingPolicies {
    let state: ClusterState

    var all: [BoundPolicy] { BoundPolicy.all(BuiltInKinds.mutatingPolicies, BuiltInKinds.mutatingBindings, state) }

    /// The object as a policy wants it; what cannot be evaluated refuses it or leaves it as it is, as the policy says.
    func mutated(_ request: AdmissionRequest, by bound: BoundPolicy) throws -> JSONObject? {
        guard var object = request.object else { return nil }
        do throws(BoundPolicy.Failure) {
            var next = request
            for mutation in bound.policy["spec"]?["mutations"]?.arrayValue ?? [] {
                next.object = object
                for expressions in try bound.expressions(next, state) {
                    object = try Self.patched(object, mutation, expressions)
                }
            }
            return object
        } catch {
            guard !bound.failsOpen else { return request.object }
            let names = "MutatingAdmissionPolicy '\(bound.policy.name)' with binding '\(bound.binding.name)'"
            throw APIStatus.forbidden(request, "\(names) denied request: \(error.message)")
        }
    }

    private static func patched(
        _ object: JSONObject, _ mutation: JSONValue, _ expressions: AdmissionExpressions
    ) throws(BoundPolicy.Failure) -> JSONObject {
        let text = JSONPatchLiterals.asMaps(mutation["jsonPatch"]?["expression"]?.stringValue ?? "")
        let value: CELValue
        do throws(CELError) {
            value = try expressions.evaluate(text)
        } catch {
            throw .init(message: "expression '\(text)' resulted in error: \(error.description)")
        }
        guard let operations = value.json()?.arrayValue,
            let changed = try? Patches.patched(.object(object), operations).objectValue
        else { throw .init(message: "its JSON patch cannot be applied") }
        return changed
    }
}

/// `JSONPatch{op: "add", …}` and `Object.spec{name: …}` of mutating policies, which to CEL are objects of a type. Here they are
/// read as maps of the same members, such as `{"op": "add", …}`.
enum JSONPatchLiterals {
    private static let name = "JSONPatch"
    /// What the names of all parts of the object begin with.
    private static let objects = "Object"

    static func asMaps(_ text: String) -> String {
        var result = ""
        var rest = text[...]
        /// Of each open bracket, whether it is one of a literal.
        var open: [Bool] = []
        var isAtName = false
        while let first = rest.first {
            if first == "\"" || first == "'" {
                let end = quoted(rest)
                result += rest[..<end]
                rest = rest[end...]
                isAtName = false
            } else if first.isLetter || first == "_" {
                var word = rest.prefix { $0.isLetter || $0.isNumber || $0 == "_" }
                if word == objects { word = rest.prefix { $0.isLetter || $0.isNumber || $0 == "_" || $0 == "." } }
                rest = rest[word.endIndex...]
                if word == name || word.hasPrefix(objects), rest.first(where: { !$0.isWhitespace }) == "{" {
                    rest = rest[(rest.firstIndex(of: "{") ?? rest.startIndex)...].dropFirst()
                    result += "{"
                    open.append(true)
                    isAtName = true
                } else {
                    result += isAtName ? "\"\(word)\"" : String(word)
                    isAtName = false
                }
            } else {
                if "([{".contains(first) { open.append(false) }
                if ")]}".contains(first) { _ = open.popLast() }
                if !first.isWhitespace { isAtName = first == "," && open.last == true }
                result.append(first)
                rest = rest.dropFirst()
            }
        }
        return result
    }

    /// Where the string ends that begins here.
    private static func quoted(_ text: Substring) -> String.Index {
        var isEscaped = false
        var index = text.index(after: text.startIndex)
        while index < text.endIndex {
            let character = text[index]
            index = text.index(after: index)
            if character == text.first, !isEscaped { return index }
            isEscaped = character == "\\" && !isEscaped
        }
        return index
    }
}

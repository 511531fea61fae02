import ArgumentParser
import Controller
import Encodings

/// Prints the injection as objects of the cluster.
struct InjectionPolicyCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "admission-policy",
        abstract:
            "Prints the injection as a MutatingAdmissionPolicy, which needs no webhook (Kubernetes 1.36 and newer).",
        discussion: "Two policies with their bindings, as YAML for kubectl apply. AgentProfiles need the webhook.")

    @OptionGroup var injection: InjectionOptions

    @Option(
        name: .long, help: "Namespace of the broker and the controller, whose pods are left alone. Can be repeated.")
    var excludedNamespace: [String] = ["claviger"]

    @Option(name: .long, help: "Name of the policies.")
    var name = "claviger-injection"

    func run() throws {
        var settings = try injection.settings()
        settings.excludedNamespaces.formUnion(excludedNamespace)
        if let file = injection.agentCA {
            do throws(BoundedFileError) {
                settings.authorities = try BoundedFile.text(file, limit: 65_536)
            } catch {
                throw ValidationError(error.message)
            }
        }
        do throws(ControllerError) {
            print(try InjectionPolicy(settings, name: name).yaml(), terminator: "")
        } catch {
            throw ValidationError(error.message)
        }
    }
}

import AdminClient
import Testing

@testable import Controller

@Suite("What the broker's refusals are to the controller")
struct BrokerLinkTests {
    @Test("an overtaken request is sent anew by its code, and a sentence that has the word is a refusal like any other")
    func overtaken() {
        let late = AdminClientError(
            .conflict, "The secret was changed while this request waited; send it anew", brokerCode: "overtaken")
        #expect(ControllerError(late).code == "unavailable")
        let foreign = AdminClientError(
            .conflict, "team/overtaken/key belongs to an administrator", brokerCode: "owned_by")
        #expect(ControllerError(foreign).code == "refused")
    }

    @Test("a later leader's write is told apart from other conflicts")
    func fenced() {
        let fenced = AdminClientError(.conflict, "A later leader wrote", type: "Fenced", brokerCode: "fenced")
        #expect(ControllerError(fenced).code == ControllerError.fencedCode)
    }
}

// Where a server listens, and what it says when it cannot.
import Foundation
import Ingress
import Platform
import Testing

@Suite struct ListenTests {
    @Test func aPortInUseIsNamed() throws {
        try withServer { server in
            let error = #expect(throws: IngressError.self) { try HTTPServer(port: server.port, handler: echo) }
            #expect(error == .portInUse(address: "127.0.0.1", port: server.port))
            #expect(error?.description.contains(String(server.port)) == true)
        }
    }

    @Test(arguments: ["localhost", "", "1.2.3", "::zz"])
    func onlyNumericAddresses(address: String) {
        #expect(throws: IngressError.notAnAddress(address)) {
            try HTTPServer(address: address, port: 0, handler: echo)
        }
    }

    @Test func anAddressThatIsNotOurs() {
        #expect(throws: IngressError.self) { try HTTPServer(address: "192.0.2.1", port: 0, handler: echo) }
    }

    @Test(arguments: ["localhost", "1.2.3", "192.0.2.1", "8080"])
    func anAddressFromTheEnvironmentIsTriedOut(address: String) {
        let error = #expect(throws: SettingsError.self) {
            try ListenAddress.fromSettings(Settings(["LISTEN_ADDRESS": address]))
        }
        #expect(error?.description.hasPrefix("LISTEN_ADDRESS: is '\(address)', ") == true)
    }

    @Test(arguments: ["", "0.0.0.0", "127.0.0.1", "127.1.2.3"])
    func anAddressOfThisMachineIsTaken(address: String) throws {
        let taken = try ListenAddress.fromSettings(Settings(["LISTEN_ADDRESS": address]))
        #expect(taken == (address.isEmpty ? "127.0.0.1" : address))
    }

    /// Dual stack: IPv4 clients show with their IPv4 address.
    @Test(arguments: ["127.0.0.1", "0.0.0.0", "::"])
    func addresses(address: String) throws {
        let handler: @Sendable (Exchange) -> Void = { exchange in
            exchange.answer(HTTPResponse(status: 200, body: Array(exchange.request.remoteAddress.utf8)))
        }
        let server: HTTPServer
        do {
            server = try HTTPServer(address: address, port: 0, handler: handler)
        } catch IngressError.cannotListen where address == "::" {
            return  // A machine without IPv6.
        }
        defer { server.stop(graceMilliseconds: 0) }
        let client = try Client(port: server.port)
        client.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        #expect(client.answer()?.text == "127.0.0.1")
    }

    @Test func portsAreFreeAgainAtOnce() throws {
        let first = try HTTPServer(port: 0, handler: echo)
        let client = try Client(port: first.port)
        client.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        #expect(client.answer()?.status == 200)
        first.stop(graceMilliseconds: 0)
        let second = try HTTPServer(port: first.port, handler: echo)
        second.stop(graceMilliseconds: 0)
    }

    @Test func limitsFromTheEnvironment() throws {
        let limits = try IngressLimits.fromSettings(
            Settings(["INGRESS_BODY_BYTES_MAX": "10", "INGRESS_CONNECTIONS_MAX": "7"]))
        #expect(limits.bodyBytesMax == 10)
        #expect(limits.connectionsMax == 7)
        #expect(limits.connectionsPerAddressMax == 7)
        #expect(limits.headerBytesMax == 16 << 10)
        #expect(throws: SettingsError.self) {
            try IngressLimits.fromSettings(Settings(["INGRESS_HEADER_BYTES_MAX": "none"]))
        }
    }

    @Test func tooManyConnectionsForThisProcess() throws {
        var limits = IngressLimits()
        limits.connectionsMax = 50_000_000
        #expect(throws: IngressError.self) { try HTTPServer(port: 0, limits: limits, handler: echo) }
    }
}

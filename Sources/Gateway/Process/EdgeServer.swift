// An edge that listens: on which address and port, and how it stops without cutting anybody off.
import Ingress
public import Platform

public final class EdgeServer: Sendable {
    private let edge: Edge
    private let server: HTTPServer
    private let stopMilliseconds: Int

    /// Where it listens and what it bears.
    struct Place {
        let variable: String
        let address: String
        let port: UInt16
        let limits: IngressLimits
        let stopMilliseconds: Int

        /// - Parameter variable: what sets the port, for the error of an operator whose port is taken.
        init(variable: String, defaultPort: UInt16, settings: Settings) throws(SettingsError) {
            self.variable = variable
            port = try settings.integer(variable, default: defaultPort, in: 0...UInt16.max)
            address = try ListenAddress.fromSettings(settings)
            stopMilliseconds = try settings.integer("EDGE_STOP_MILLISECONDS", default: 8000, in: 0...60_000)
            limits = try IngressLimits.fromSettings(settings)
        }
    }

    public var port: UInt16 { server.port }

    /// Listens at once; requests wait until the edge is connected.
    init(_ edge: Edge, at place: Place) throws {
        self.edge = edge
        stopMilliseconds = place.stopMilliseconds
        do {
            server = try HTTPServer(
                address: place.address, port: place.port, limits: place.limits, refuse: { edge.refuse($0, of: $1) },
                handler: { edge.handle($0) })
        } catch IngressError.portInUse {
            throw PortInUse(variable: place.variable, address: place.address, port: place.port)
        }
    }

    /// Takes no new connections, lets the requests under way finish, closes. Returns within `EDGE_STOP_MILLISECONDS`.
    public func stop() {
        edge.close()
        server.quiesce()
        server.stop(graceMilliseconds: stopMilliseconds)
    }
}

/// Another process listens there. It may go away, so this is no setting that makes no sense.
struct PortInUse: Error, CustomStringConvertible {
    let variable: String
    let address: String
    let port: UInt16

    var description: String {
        "port \(port) of \(address) is in use by another process; choose another with \(variable)"
    }
}

extension Settings {
    /// `ORDER_PORT`: where a service, or the gateway, listens.
    public static func portVariable(of service: String) -> String {
        service.uppercased().map { $0.isLetter || $0.isNumber ? String($0) : "_" }.joined() + "_PORT"
    }
}

// The walk-through of the seeds: from two customers and two books to orders shipped, lacking, followed and cancelled.
import BookstoreContracts
import Operations

enum DemoScript {
    static let steps = people + happyPath + shortage + carrier + cancel + refusals

    private static let people: [DemoStep] = [
        DemoStep(
            "Two customers register",
            send: .post("/customers", ["customerName": "hong gil dong"]), answers: 201,
            with: ["customerName": "hong gil dong"], remember: ["hong": "customerId"],
            events: [.init("Registered", ["customerId": "{hong}"])]),
        DemoStep(
            "The second one",
            send: .post("/customers", ["customerName": "bak na re"]), answers: 201, remember: ["bak": "customerId"],
            events: [.init("Registered", ["customerId": "{bak}"])]),
        DemoStep(
            "Two books are put on the shelf",
            send: .post("/books", ["bookName": "alice in a wonderland", "stock": "100"]), answers: 201,
            with: ["bookName": "alice in a wonderland", "stock": 100], remember: ["alice": "bookId"]),
        DemoStep(
            "The second one",
            send: .post("/books", ["bookName": "quobadis?", "stock": "50"]), answers: 201, with: ["stock": 50],
            remember: ["quobadis": "bookId"]),
    ]

    private static let happyPath: [DemoStep] = [
        DemoStep(
            "An order that the stock allows is prepared and shipped",
            send: .post(
                "/orders",
                ["bookId": "{alice}", "customerId": "{hong}", "deliveryAddress": "bundang gu", "quantity": "50"]),
            answers: 201, with: ["orderStatus": "Ordered", "quantity": 50], remember: ["first": "orderId"],
            then: [
                .shows("/orders/{first}", ["orderStatus": "Shipped"]),
                .shows("/books/{alice}", ["stock": 50]),
                .shows("/deliveries/{first}", ["deliveryStatus": "Shipped", "deliveryAddress": "bundang gu"]),
                .shows(
                    "/myPages/{first}",
                    ["customerName": "hong gil dong", "orderStatus": "Shipped", "deliveryStatus": "Shipped"]),
            ],
            events: [
                .init("Ordered", ["orderId": "{first}", "bookId": "{alice}", "customerId": "{hong}", "quantity": 50]),
                .init("DeliveryPrepared", ["orderId": "{first}"]),
                .init("DeliveryStatusChanged", ["orderId": "{first}", "deliveryStatus": "Shipped"]),
            ])
    ]

    private static let shortage: [DemoStep] = [
        DemoStep(
            "An order beyond the stock is accepted and waits",
            send: .post(
                "/orders",
                ["bookId": "{alice}", "customerId": "{bak}", "deliveryAddress": "incheon si", "quantity": "100"]),
            answers: 201, with: ["orderStatus": "Ordered"], remember: ["second": "orderId"],
            then: [
                .shows("/deliveries/{second}", ["deliveryStatus": "CreateDelivery"]),
                .shows("/orders/{second}", ["orderStatus": "Ordered"]),
                .shows("/books/{alice}", ["stock": 50]),
                .shows("/myPages/{second}", ["orderStatus": "Ordered", "customerName": "bak na re"]),
            ],
            events: [.init("Ordered", ["orderId": "{second}", "quantity": 100])]),
        DemoStep(
            "New stock comes in, and the order that lacked it is served: 50 + 200 - 100 = 150",
            send: .post("/stockInputs", ["bookId": "{alice}", "quantity": "200"]), answers: 200,
            with: ["quantity": 200],
            then: [
                .shows("/books/{alice}", ["stock": 150]),
                .shows("/orders/{second}", ["orderStatus": "Shipped"]),
            ],
            events: [
                .init("DeliveryPrepared", ["orderId": "{second}"]),
                .init("DeliveryStatusChanged", ["orderId": "{second}", "deliveryStatus": "Shipped"]),
            ]),
    ]

    private static let carrier: [DemoStep] = [
        DemoStep(
            "The carrier delivers; order and MyPage follow",
            send: .patch("/deliveries/{first}", ["deliveryStatus": "ShippingCompleted"]), answers: 200,
            with: ["deliveryStatus": "ShippingCompleted"],
            then: [
                .shows("/orders/{first}", ["orderStatus": "ShippingCompleted"]),
                .shows("/myPages/{first}", ["deliveryStatus": "ShippingCompleted"]),
            ],
            events: [.init("DeliveryStatusChanged", ["orderId": "{first}", "deliveryStatus": "ShippingCompleted"])])
    ]

    private static let cancel: [DemoStep] = [
        DemoStep(
            "An order that lacks stock",
            send: .post(
                "/orders",
                ["bookId": "{quobadis}", "customerId": "{hong}", "deliveryAddress": "seoul", "quantity": "60"]),
            answers: 201, with: ["orderStatus": "Ordered"], remember: ["third": "orderId"],
            then: [
                .shows("/deliveries/{third}", ["deliveryStatus": "CreateDelivery"]),
                .shows("/myPages/{third}", ["orderStatus": "Ordered"]),
            ],
            events: [.init("Ordered", ["orderId": "{third}"])]),
        DemoStep(
            "is cancelled: it is gone, its delivery too, and MyPage still shows it",
            send: .delete("/orders/{third}"), answers: 204,
            then: [
                .isGone("/orders/{third}"),
                .shows("/deliveries/{third}", ["deliveryStatus": "CancelDelivery"]),
                .shows("/myPages/{third}", ["orderStatus": "CANCELED"]),
                .shows("/books/{quobadis}", ["stock": 50]),
            ],
            events: [
                .init("OrderCanceled", ["orderId": "{third}", "status": "CANCELED"]),
                .init("DeliveryStatusChanged", ["orderId": "{third}", "deliveryStatus": "CancelDelivery"]),
            ]),
    ]

    private static let refusals: [DemoStep] = [
        DemoStep(
            "An order that is shipped can no longer be cancelled",
            send: .delete("/orders/{first}"), answers: 409,
            then: [.shows("/orders/{first}", ["orderStatus": "ShippingCompleted"])]),
        DemoStep(
            "An order of somebody unknown is kept, and goes nowhere",
            send: .post(
                "/orders",
                ["bookId": "{alice}", "customerId": 999_999_999, "deliveryAddress": "nowhere", "quantity": 1]),
            answers: 201, with: ["orderStatus": "Customer_Not_Verified"], remember: ["unknown": "orderId"],
            then: [.isGone("/deliveries/{unknown}"), .isGone("/myPages/{unknown}")]),
    ]
}

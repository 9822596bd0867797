// The tables of the customer service. Columns are named as the fields they are shown as.
enum Schema {
    static let migrations = [
        """
        CREATE TABLE customers (customerId INTEGER PRIMARY KEY, customerName TEXT NOT NULL);

        -- The name arrives a moment after the row, delivery and its status with the news of them.
        CREATE TABLE myPages (
            orderId INTEGER PRIMARY KEY, customerId INTEGER, customerName TEXT, bookId INTEGER, quantity INTEGER,
            deliveryAddress TEXT, orderStatus TEXT NOT NULL, deliveryStatus TEXT, deliveryId INTEGER);
        CREATE INDEX myPages_customer ON myPages (customerId);
        """,
        """
        -- Orders that were cancelled before their page was begun.
        CREATE TABLE earlyCancels (orderId INTEGER PRIMARY KEY);
        """,
    ]
}

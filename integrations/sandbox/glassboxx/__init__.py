"""A stand-in for the Glassboxx Sales API: a Magento server's manners, errors and silences, on loopback."""

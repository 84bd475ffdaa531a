"""What recoats exchange, by contact: roofs beside liquid that is open to the vat.

renewal_coupon   side-open ledges, channels with one port, sealed cavities
renewal_fit      renewal and reach from them, jointly with Dp, Ec and induction
"""

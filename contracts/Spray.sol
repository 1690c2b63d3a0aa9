// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

/// Makes many token transfers in one transaction. It asks nothing of a token's return value, so that tokens which
/// return nothing work as well as those which return true. For tests and load only: it has no guard of any kind.
contract Spray {
    struct Leg {
        address token;
        address to;
        uint256 value;
    }

    /// Moves each leg from the caller's balance, in order. The caller has given this contract an allowance in each token.
    function spray(Leg[] calldata legs) external {
        for (uint256 i = 0; i < legs.length; ++i) {
            _call(legs[i].token, abi.encodeWithSelector(0x23b872dd, msg.sender, legs[i].to, legs[i].value));
        }
    }

    /// Sends `value` of this contract's own balance `count` times, going round `to` and starting over at its end.
    function flood(address token, address[] calldata to, uint256 value, uint256 count) external {
        require(to.length > 0, "nobody to send to");
        for (uint256 i = 0; i < count; ++i) {
            _call(token, abi.encodeWithSelector(0xa9059cbb, to[i % to.length], value));
        }
    }

    function _call(address token, bytes memory data) private {
        require(token.code.length > 0, "no code at the token's address");
        (bool ok, bytes memory reason) = token.call(data);
        if (!ok) {
            assembly {
                revert(add(reason, 32), mload(reason))
            }
        }
    }
}

// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

/// A test token with the habits of USDT on Ethereum, written from its observable behaviour:
/// the three movers return nothing, an allowance goes from non-zero to non-zero only through zero, the owner may
/// switch a fee on (the receiver gets less and a second Transfer goes to the owner), pause everything, freeze an
/// address, and make, take back or destroy money without any Transfer event.
/// For tests only: anyone may look at it, nobody should hold value in it.
contract TetherLike {
    string public name = "Tether-like test dollar";
    string public symbol = "USDT";
    uint8 public constant decimals = 6;

    /// Bounds of the fee switch, as narrow as the original's.
    uint256 public constant BASIS_POINTS_CEILING = 20;
    uint256 public constant FEE_CEILING_UNITS = 50;
    uint256 private constant BASIS_POINTS_WHOLE = 10_000;

    address public owner;
    bool public paused;
    uint256 public basisPointsRate;
    uint256 public maximumFee;
    uint256 public totalSupply;

    mapping(address => uint256) public balanceOf;
    mapping(address => mapping(address => uint256)) public allowance;
    mapping(address => bool) public isBlackListed;

    event Transfer(address indexed from, address indexed to, uint256 value);
    event Approval(address indexed owner, address indexed spender, uint256 value);
    event Issue(uint256 amount);
    event Redeem(uint256 amount);
    event Params(uint256 feeBasisPoints, uint256 maxFee);
    event DestroyedBlackFunds(address blackListedUser, uint256 balance);
    event AddedBlackList(address user);
    event RemovedBlackList(address user);
    event Pause();
    event Unpause();

    modifier onlyOwner() {
        require(msg.sender == owner, "only the owner");
        _;
    }

    modifier whenRunning() {
        require(!paused, "paused");
        _;
    }

    /// The first supply appears without a Transfer event, as the original's did.
    constructor(uint256 initialSupply) {
        owner = msg.sender;
        totalSupply = initialSupply;
        balanceOf[msg.sender] = initialSupply;
    }

    function transfer(address to, uint256 value) external whenRunning {
        require(!isBlackListed[msg.sender], "sender is frozen");
        _move(msg.sender, to, value);
    }

    function transferFrom(address from, address to, uint256 value) external whenRunning {
        require(!isBlackListed[from], "payer is frozen");
        uint256 allowed = allowance[from][msg.sender];
        require(allowed >= value, "allowance too small");
        if (allowed != type(uint256).max) {
            allowance[from][msg.sender] = allowed - value;
        }
        _move(from, to, value);
    }

    function approve(address spender, uint256 value) external {
        require(value == 0 || allowance[msg.sender][spender] == 0, "set the allowance to zero first");
        allowance[msg.sender][spender] = value;
        emit Approval(msg.sender, spender, value);
    }

    /// Switches the fee on or off: `newBasisPoints` of each transfer, at most `newMaxFeeUnits` whole tokens.
    function setParams(uint256 newBasisPoints, uint256 newMaxFeeUnits) external onlyOwner {
        require(newBasisPoints < BASIS_POINTS_CEILING, "fee rate too high");
        require(newMaxFeeUnits < FEE_CEILING_UNITS, "fee cap too high");
        basisPointsRate = newBasisPoints;
        maximumFee = newMaxFeeUnits * 10 ** decimals;
        emit Params(basisPointsRate, maximumFee);
    }

    function pause() external onlyOwner {
        require(!paused, "already paused");
        paused = true;
        emit Pause();
    }

    function unpause() external onlyOwner {
        require(paused, "not paused");
        paused = false;
        emit Unpause();
    }

    function addBlackList(address user) external onlyOwner {
        isBlackListed[user] = true;
        emit AddedBlackList(user);
    }

    function removeBlackList(address user) external onlyOwner {
        isBlackListed[user] = false;
        emit RemovedBlackList(user);
    }

    /// Takes a frozen address's whole balance out of existence. No Transfer event.
    function destroyBlackFunds(address user) external onlyOwner {
        require(isBlackListed[user], "not frozen");
        uint256 funds = balanceOf[user];
        balanceOf[user] = 0;
        totalSupply -= funds;
        emit DestroyedBlackFunds(user, funds);
    }

    /// Makes new money in the owner's balance. No Transfer event.
    function issue(uint256 amount) external onlyOwner {
        totalSupply += amount;
        balanceOf[owner] += amount;
        emit Issue(amount);
    }

    /// Takes money out of the owner's balance. No Transfer event.
    function redeem(uint256 amount) external onlyOwner {
        totalSupply -= amount;
        balanceOf[owner] -= amount;
        emit Redeem(amount);
    }

    function _move(address from, address to, uint256 value) private {
        uint256 fee = (value * basisPointsRate) / BASIS_POINTS_WHOLE;
        if (fee > maximumFee) {
            fee = maximumFee;
        }
        uint256 sent = value - fee;
        require(balanceOf[from] >= value, "balance too small");
        balanceOf[from] -= value;
        balanceOf[to] += sent;
        if (fee > 0) {
            balanceOf[owner] += fee;
            emit Transfer(from, owner, fee);
        }
        emit Transfer(from, to, sent);
    }
}

"""The class ``Api``, which combines all operations of the control API, and their list in the order of OpenAPI.
``server`` adds a route for each operation; ``openapi`` describes them.
"""

from app.endpoints.control.breakpoints import BreakpointOperations
from app.endpoints.control.chat import ChatOperations
from app.endpoints.control.clients import ClientOperations
from app.endpoints.control.contract import ContractOperations
from app.endpoints.control.contract_documents import ContractDocumentOperations
from app.endpoints.control.contract_import import ContractImportOperations
from app.endpoints.control.contract_lint import ContractLintOperations
from app.endpoints.control.expectations import ExpectationOperations
from app.endpoints.control.faults import FaultOperations
from app.endpoints.control.firing import FiringOperations
from app.endpoints.control.fixtures import FixtureOperations
from app.endpoints.control.journal import JournalOperations
from app.endpoints.control.operations import operations_of
from app.endpoints.control.peers import PeerOperations
from app.endpoints.control.program import ProgramOperations
from app.endpoints.control.reconnect_lab import ReconnectLabOperations
from app.endpoints.control.reconnects import ReconnectOperations
from app.endpoints.control.recordings import RecordingOperations
from app.endpoints.control.refusals import RefusalOperations
from app.endpoints.control.saved_filters import SavedFilterOperations
from app.endpoints.control.session_runs import SessionRunOperations
from app.endpoints.control.sessions import SessionOperations
from app.endpoints.control.settings import SettingsOperations
from app.endpoints.control.sources import SourceOperations
from app.endpoints.control.state import StateOperations
from app.endpoints.control.status import StatusOperations
from app.endpoints.control.ui_state import UiStateOperations


class Api(
    FiringOperations, StatusOperations, ClientOperations, JournalOperations, SavedFilterOperations,
    ContractLintOperations, ExpectationOperations, BreakpointOperations, FixtureOperations, StateOperations,
    ProgramOperations,
    RefusalOperations, ChatOperations, SettingsOperations, UiStateOperations, ReconnectOperations,
    ReconnectLabOperations, SessionOperations, SessionRunOperations, RecordingOperations,
    FaultOperations, ContractOperations, ContractDocumentOperations, ContractImportOperations, PeerOperations,
    SourceOperations,
):  # fmt: skip
    """Combine all groups of operations. To add a group, add its class as a base class."""


OPERATIONS = operations_of(Api)

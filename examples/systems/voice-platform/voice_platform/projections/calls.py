"""The read model `calls`: a document for each call, with what its assistant found and what it cost, and each agent."""

from __future__ import annotations

from ..domain import agents, assistants, calls, ledger
from ..domain.contracts import Document, Payload
from ..envelope import Fact
from ..routes import Routes
from .documents import Documents, change, lay_payload_over

CALLS: Routes[Documents] = Routes("calls")


@CALLS.on(
    calls.CallStarted,
    calls.CallRouted,
    calls.CallAnswered,
    calls.CallHeld,
    calls.CallResumed,
    calls.CallTransferred,
    calls.CallRecordingStarted,
    calls.CallEnded,
    calls.CallFailed,
    calls.CallRated,
)
async def call_changed(fact: Fact[calls.CallEvent], documents: Documents) -> None:
    """Lay what happened over the call."""
    await lay_payload_over(documents, "call", fact.aggregate_id, fact)


@CALLS.on(
    agents.AgentHired,
    agents.AgentSkillsChanged,
    agents.AgentSignedIn,
    agents.AgentSignedOut,
    agents.AgentCallAssigned,
    agents.AgentCallCompleted,
)
async def agent_changed(fact: Fact[agents.AgentEvent], documents: Documents) -> None:
    """Lay what happened over the agent."""
    await lay_payload_over(documents, "agent", fact.aggregate_id, fact)


@CALLS.on(assistants.AiSessionOpened)
async def assistant_listens(fact: Fact[assistants.AiSessionOpened], documents: Documents) -> None:
    """Note which model listens."""
    await _note(fact, documents, fact.aggregate_id, model=fact.payload.model, segments=0)


@CALLS.on(assistants.AiTranscriptRecognised)
async def something_was_said(fact: Fact[assistants.AiTranscriptRecognised], documents: Documents) -> None:
    """Note how much was said."""
    await _note(fact, documents, fact.aggregate_id, segments=fact.payload.segments)


@CALLS.on(assistants.AiIntentDetected)
async def intent_is_known(fact: Fact[assistants.AiIntentDetected], documents: Documents) -> None:
    """Note what the customer wants."""
    await _note(fact, documents, fact.aggregate_id, intent=fact.payload.intent)


@CALLS.on(assistants.AiSentimentMeasured)
async def mood_is_known(fact: Fact[assistants.AiSentimentMeasured], documents: Documents) -> None:
    """Keep the worst that the customer felt."""
    sentiment = fact.payload.sentiment

    def changed(call: Document) -> Document:
        return {**call, "worst_sentiment": min(call.get("worst_sentiment", sentiment), sentiment)}

    await change(documents, "call", fact.aggregate_id, fact, changed)


@CALLS.on(assistants.AiHandoverRequested)
async def person_is_wanted(fact: Fact[assistants.AiHandoverRequested], documents: Documents) -> None:
    """Note why a person was asked for."""
    await _note(fact, documents, fact.aggregate_id, handover=fact.payload.why)


@CALLS.on(assistants.AiSessionClosed)
async def assistant_is_done(fact: Fact[assistants.AiSessionClosed], documents: Documents) -> None:
    """Note how it ended for the assistant."""
    await _note(fact, documents, fact.aggregate_id, outcome=fact.payload.outcome)


@CALLS.on(ledger.CreditsConsumed)
async def call_was_paid(fact: Fact[ledger.CreditsConsumed], documents: Documents) -> None:
    """Note what the call cost."""
    await _note(fact, documents, fact.payload.call, credits=fact.payload.amount)


async def _note(fact: Fact[Payload], documents: Documents, call: str, **noted: object) -> None:
    await change(documents, "call", call, fact, lambda document: {**document, **noted})

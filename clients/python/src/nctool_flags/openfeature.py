"""The OpenFeature provider: `api.set_provider(NctoolProvider(flags))`. Needs openfeature-sdk."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

from openfeature.evaluation_context import EvaluationContext
from openfeature.event import ProviderEventDetails
from openfeature.exception import ErrorCode
from openfeature.flag_evaluation import FlagResolutionDetails, FlagValueType, Reason
from openfeature.provider import AbstractProvider, Metadata

from nctool_flags.client import Flags
from nctool_flags.decision import Decision
from nctool_flags.evaluation import Evaluator

T = TypeVar("T")
Structure = Sequence[FlagValueType] | Mapping[str, FlagValueType]


class NctoolProvider(AbstractProvider):
    """Resolves from memory, and says when flags have changed. `shutdown` closes the client."""

    def __init__(self, flags: Evaluator) -> None:
        super().__init__()
        self._flags = flags
        if isinstance(flags, Flags):
            flags.on_change(self._changed)

    def get_metadata(self) -> Metadata:
        return Metadata(name="nctool-flags")

    def shutdown(self) -> None:
        if isinstance(self._flags, Flags):
            self._flags.close()

    def resolve_boolean_details(
        self,
        flag_key: str,
        default_value: bool,  # noqa: FBT001 # OpenFeature calls it so
        evaluation_context: EvaluationContext | None = None,
    ) -> FlagResolutionDetails[bool]:
        return self._resolve(flag_key, default_value, evaluation_context)

    def resolve_string_details(
        self, flag_key: str, default_value: str, evaluation_context: EvaluationContext | None = None
    ) -> FlagResolutionDetails[str]:
        return self._resolve(flag_key, default_value, evaluation_context)

    def resolve_integer_details(
        self, flag_key: str, default_value: int, evaluation_context: EvaluationContext | None = None
    ) -> FlagResolutionDetails[int]:
        details: FlagResolutionDetails[Any] = self._resolve(flag_key, default_value, evaluation_context)
        if isinstance(details.value, float):
            if not details.value.is_integer():
                return _mismatch(default_value, "The flag's value is no whole number.")
            details.value = int(details.value)
        return details

    def resolve_float_details(
        self, flag_key: str, default_value: float, evaluation_context: EvaluationContext | None = None
    ) -> FlagResolutionDetails[float]:
        details = self._resolve(flag_key, default_value, evaluation_context)
        details.value = float(details.value)
        return details

    def resolve_object_details(
        self, flag_key: str, default_value: Structure, evaluation_context: EvaluationContext | None = None
    ) -> FlagResolutionDetails[Structure]:
        details: FlagResolutionDetails[Any] = self._resolve(flag_key, default_value, evaluation_context)
        if not isinstance(details.value, (dict, list)) and details.error_code is None:
            return _mismatch(default_value, "The flag's value is no object and no list.")
        return details

    def _changed(self, keys: list[str]) -> None:
        self.emit_provider_configuration_changed(ProviderEventDetails(flags_changed=keys))

    def _resolve(self, key: str, default: T, context: EvaluationContext | None) -> FlagResolutionDetails[T]:
        decision = self._flags.why(key, _plain(context), default)
        if decision.error_code:
            return FlagResolutionDetails(
                default, ErrorCode(decision.error_code), decision.error, Reason.ERROR, flag_metadata=_metadata(decision)
            )
        return FlagResolutionDetails(
            decision.value, reason=Reason(decision.reason), variant=decision.variant, flag_metadata=_metadata(decision)
        )


def _plain(context: EvaluationContext | None) -> Mapping[str, object] | None:
    if context is None:
        return None
    return {**context.attributes, "targetingKey": context.targeting_key}


def _mismatch(default: T, text: str) -> FlagResolutionDetails[T]:
    return FlagResolutionDetails(default, ErrorCode.TYPE_MISMATCH, text, Reason.ERROR)


def _metadata(decision: Decision) -> dict[str, bool | int | float | str]:
    """The flag's plain parameters and the why of the answer, by the names that OFREP answers have."""
    why = {
        "rule": decision.rule,
        "ruleName": decision.name,
        "bucket": decision.bucket,
        "percentage": decision.percentage,
        "configVersion": decision.version,
    }
    found = {**decision.parameters, **{name: value for name, value in why.items() if value not in (None, "")}}
    return {name: value for name, value in found.items() if isinstance(value, (bool, int, float, str))}

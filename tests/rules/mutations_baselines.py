"""What is recorded about the past, broken one part at a time."""

from tests.rules.baseline_cases import FILE, PAST
from tests.rules.mutation import Mutation

MUTATIONS = tuple(
    Mutation(f"{rule}: {name}", FILE, old, new, (PAST,), f"environment:rag_cache_requests_total:{rule}")
    for rule, name, old, new in (
        ("hits_1h:median_7d", "not the middle", "0.5", "0.6"),
        ("hits_1h:median_7d", "reaches into the present", "offset 1h", "offset 0h"),
        ("hits_1h:median_7d", "short", "7d", "6d"),
        ("hits_1h:spread_7d", "upper quarter", "0.75", "0.85"),
        ("hits_1h:spread_7d", "lower quarter", "0.25", "0.15"),
        ("hits_1h:spread_7d", "no deviation", "/ 1.349", ""),
        ("hits_1h:points_7d", "reaches further", "7d", "8d"),
        ("count_1h:mean_7d", "not the mean", "avg_over_time", "max_over_time"),
        ("count_1h:mean_7d", "reaches into the present", "offset 1h", "offset 0h"),
    )
)

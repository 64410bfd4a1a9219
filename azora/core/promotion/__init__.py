"""Decisions of a promotion: the next step, the approval, the plan, what is safe."""

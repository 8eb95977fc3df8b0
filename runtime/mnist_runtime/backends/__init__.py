"""Interpreters that run models, behind one interface."""

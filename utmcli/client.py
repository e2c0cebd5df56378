#!/bin/sh
"""placeholder"""

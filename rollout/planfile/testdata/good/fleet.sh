#!/bin/sh
echo eu-1 zone=a
echo eu-2 zone=b weight=3

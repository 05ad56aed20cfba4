namespace fairlead::engine {}
